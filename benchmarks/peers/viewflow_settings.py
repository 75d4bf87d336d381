"""What are the settings of the Django peer, as a project has them?"""

from psycopg.conninfo import conninfo_to_dict

from benchmarks.peers import work

_AT = conninfo_to_dict(work.order().database)

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _AT["dbname"],
        "USER": _AT["user"],
        "HOST": _AT["host"],
        "PORT": _AT["port"],
        "CONN_MAX_AGE": None,
    }
}
USE_TZ = True
