"""The app starts quickly: it never imports what only engine processes need."""

import subprocess
import sys


def test_the_parent_side_imports_no_web_server_and_no_http_client() -> None:
    code = (
        "import sys; from streamscope.engines import choose, detect, launch; "
        "print([name for name in ('starlette', 'uvicorn', 'httpx', 'xllamacpp') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
