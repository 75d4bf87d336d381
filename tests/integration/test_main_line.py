"""Does an application walk the whole main line, on both databases?"""

from models.vocabulary import ApplicationState
from tests.builders import TO_THE_END, Office
from workflow.services import views


def test_an_application_goes_from_submitted_to_completed(work: Office):
    application = work.file()

    work.routine(application, *TO_THE_END)

    assert views.shown(work.desk, application).summary.state == (
        ApplicationState.COMPLETED
    )
    assert work.verified()
