"""RouteNator: one file here is one DVC stage; the folders are the rooms that stages use."""

import sys

from stages.core import stopping

# `python -m stages.NAME`, whose path is not known yet. Parting is safe here only: the modules of a
# stage start threads when they are imported, which a forked process lacks.
is_stage = sys.argv[:1] == ["-m"] and any(word.startswith("stages.") for word in sys.orig_argv)
if is_stage and not {"-h", "--help"} & set(sys.argv):
    stopping.begin()
