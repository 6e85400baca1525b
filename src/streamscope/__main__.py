"""``python -m streamscope`` is the command ``streamscope``."""

import sys

from streamscope.cli import main

sys.exit(main())
