"""``streamscope history``: what was measured, from the command line."""

import sys

EXIT_FAILED = 1


def run(argv: list[str]) -> int:
    """Carry out what follows ``streamscope history``; return the exit code."""
    if argv[:1] == ["--"]:  # says that no option follows, which none would before a command
        argv = argv[1:]
    if argv[:1] == ["rerun"]:
        from streamscope.cli import headless
        from streamscope.cli.run_arguments import parse_rerun

        return headless.run(parse_rerun(argv[1:]))
    from streamscope.cli.history import compares, edits, files, lists, shows, trends
    from streamscope.cli.history.arguments import Options, parse
    from streamscope.cli.history.place import Desk
    from streamscope.history import HistoryError

    options: Options = parse(argv)
    commands = {
        "list": lists.run,
        "show": shows.run,
        "compare": compares.run,
        "trend": trends.run,
        "export": files.export,
        "import": files.take_in,
        "delete": edits.delete,
        "undo": edits.undo,
        "tag": edits.tag,
        "note": edits.note,
        "path": lists.path,
    }
    try:
        with Desk.open(options) as desk:
            return commands[options.action](desk)
    except HistoryError as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_FAILED
