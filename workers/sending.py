"""How do many messages reach the broker at once, and how many wait there?"""

from collections.abc import Sequence
from typing import Any

from dramatiq import Broker, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from workers import actors
from workers.broker import told_in_words


def send(
    broker: Broker, queue: str, messages: Sequence[Message[Any]], *, under: str
) -> None:
    """Give the broker messages for a queue, *under* a name of their own.

    Redis gets them in one go, all or none, and in their order: what each call of
    `RedisBroker.enqueue` has its script do on the server (keep the message under
    its name, add the name to the queue) is done with all of them at once.

    Raises:
        UnavailableError: the broker does not answer; it may have got them.
    """
    if not isinstance(broker, RedisBroker):
        for message in messages:
            broker.enqueue(message)
        return
    written: dict[Any, Any] = {}  # redis knows more kinds of text than one
    for number, message in enumerate(messages):
        name = f"{under}-{number}"
        written[name] = message.copy(options={"redis_message_id": name}).encode()
    stored = f"{broker.namespace}:{queue}"
    with told_in_words(), broker.client.pipeline(transaction=True) as pipe:
        pipe.hset(f"{stored}.msgs", mapping=written)
        pipe.rpush(stored, *written)
        pipe.execute()


def waiting(broker: Broker, queue: str) -> int:
    """Count the messages of a queue that no worker has fetched yet.

    Raises:
        UnavailableError: the broker does not answer.
    """
    if isinstance(broker, RedisBroker):
        with told_in_words():
            return int(broker.client.llen(f"{broker.namespace}:{queue}"))
    if isinstance(broker, StubBroker):
        return int(broker.queues[queue].qsize())
    raise TypeError(broker)


def given_up(broker: Broker) -> int:
    """Count the messages that failed for good, and that nobody but the broker keeps.

    Raises:
        UnavailableError: the broker does not answer.
    """
    if not isinstance(broker, RedisBroker):
        return 0
    queues = {job.queue for job in actors.JOBS.values() if not job.kept}
    with told_in_words():
        resting = [f"{broker.namespace}:{queue}.XQ" for queue in queues]
        return sum(int(broker.client.zcard(name)) for name in resting)
