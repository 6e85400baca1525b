"""Comparisons without a screen: ``streamscope run`` and ``streamscope history rerun``."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import Future

from streamscope import settings
from streamscope.cli import planning, results, start
from streamscope.cli.jobs import Job, how_far, planned, with_most
from streamscope.cli.parsing import UsageError
from streamscope.cli.progress import Telling, contest_words
from streamscope.cli.run_arguments import MAX_REPEAT, RunOptions, check_verbose
from streamscope.history import History, HistoryError
from streamscope.measure.conventions import Conventions
from streamscope.report.comparison import Comparison
from streamscope.report.validity import cautions_of
from streamscope.settings import SettingsError
from streamscope.sides import Sides
from streamscope.trial.ending import why_ended, why_lost
from streamscope.trial.plan import Course
from streamscope.trial.session import Session
from streamscope.trial.setup import Matchup, NoServerError, Wishes
from streamscope.trial.trial import Trial, is_complete

EXIT_DONE, EXIT_FAILED, EXIT_NO_SERVER, EXIT_INTERRUPTED = 0, 1, 3, 130


def run(options: RunOptions) -> int:
    """Carry out comparisons; print their result; return the exit code."""
    places = settings.places()
    config = settings.load(places.config_file)
    form = planning.output_format(options.format, options.output)
    planning.check_output(options.output)
    check_verbose(form, verbose=options.verbose)
    start.check_url(options.url, flag=True)
    start.wishes(options, config)  # what means nothing is said before anything is begun
    past = options.going_on or options.again
    history = None
    try:
        if past and not options.save:
            with History.open(places.history_file) as read_only:
                jobs = planned(options, config, read_only)
        else:
            jobs = [] if past else planned(options, config, None)
            history = start.history(options, places)
            jobs = jobs or planned(options, config, history)
    except UsageError:
        if history is not None:
            history.close()
        raise
    except HistoryError as error:
        if history is not None:
            history.close()
        without = "" if past else " (--no-save measures without.)"
        print(f"streamscope: {error}{without}", file=sys.stderr)
        return EXIT_FAILED
    conventions = planning.conventions(options.views, config)
    session = start.session(options, config, places, history, conventions.trust)
    errand = Errand(session, options, conventions)
    code = asyncio.run(errand.carry_out(jobs))
    if not errand.comparisons:
        return code
    if options.output:  # elsewhere it is in what is printed
        for verdict in results.verdicts(errand.comparisons, conventions):
            print(verdict, file=sys.stderr)
    there = results.deliver(
        errand.comparisons, form, options.output, conventions, more=options.verbose
    )
    return code if there or code != EXIT_DONE else EXIT_FAILED


class Errand:
    """Comparisons that are carried out one after the other.

    Attributes:
        comparisons: Those that were begun, with what was measured.
    """

    def __init__(self, session: Session, options: RunOptions, conventions: Conventions) -> None:
        self._session = session
        self._options = options
        self._conventions = conventions
        self._telling = Telling()
        self._trial: Trial | None = None
        self._opening: asyncio.Task[Matchup] | None = None
        self._interrupted = False
        self.comparisons: list[Comparison] = []

    async def carry_out(self, jobs: Sequence[Job]) -> int:
        """Carry out all of them, or as many as it is let; return the exit code."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._interrupt)
        with self._telling as telling:
            try:
                if self._session.notice:
                    telling.say(self._session.notice)
                code = await self._all(jobs)
            except (NoServerError, SettingsError) as error:
                telling.line.clear()
                print(f"streamscope: {error}", file=sys.stderr)
                code = EXIT_NO_SERVER
            except asyncio.CancelledError:  # while a server was looked for
                code = EXIT_INTERRUPTED
            finally:
                await self._session.close()
        return code

    async def _all(self, jobs: Sequence[Job]) -> int:
        matchup: Matchup | None = None
        wishes: Wishes | None = None
        code = EXIT_DONE
        for number, job in enumerate(jobs, 1):
            if matchup is None or job.wishes != wishes or not matchup.alive:
                matchup, wishes = await self._open(job), job.wishes
            if refusal := job.refusal(matchup):
                raise NoServerError(refusal)
            trial = self._session.trial(matchup, job.request, job.course, self._telling)
            self._telling.begin(trial, matchup.sides, number, len(jobs))
            code = max(code, await self._one(trial, job, matchup))
            if self._interrupted:
                if left := len(jobs) - number:
                    self._telling.say(f"Not begun: {left} more of {len(jobs)} comparisons.")
                return EXIT_INTERRUPTED
        return code

    async def _open(self, job: Job) -> Matchup:
        telling = self._telling
        self._opening = asyncio.create_task(self._session.open(telling.doing, job.wishes))
        matchup = await self._opening
        self._opening = None
        telling.say(f"{matchup.reason} {matchup.caution}".rstrip())
        if contest := contest_words(matchup.sides):
            telling.say(contest)
        return matchup

    async def _one(self, trial: Trial, job: Job, matchup: Matchup) -> int:
        """Carry out one comparison; return the exit code that it alone would have."""
        self._trial = trial
        if self._interrupted:  # between two comparisons
            trial.stop()
        try:
            runs = await trial.carry_out()
        finally:
            self._trial = None
            self._telling.end()
        busy = trial.course.include_busy
        self.comparisons.append(Comparison(plan=trial.plan, runs=runs, include_busy=busy))
        await self._session.saved()
        await self._remark(trial, job)
        for problem in self._session.problems():
            self._telling.say(problem)
        course = Course(plan=trial.plan, runs=tuple(runs), include_busy=busy)
        if not is_complete(course):
            self._say_incomplete(trial, course, matchup)
            return EXIT_FAILED
        self._say_cautions(trial, course)
        # What was lost and made good is no failure any more.
        if len(course.pairs()) < course.plan.repeat and (lost := why_lost(course)):
            self._telling.say(f"Exit code {EXIT_FAILED}: {lost}.")
            return EXIT_FAILED
        return EXIT_DONE

    async def _remark(self, trial: Trial, job: Job) -> None:
        """Keep tags and note."""
        history, options = self._session.history, self._options
        if history is None or (not options.tags and options.note is None):
            return
        tags = [*job.tags, *options.tags] if options.tags else None
        kept: Future[None] = history.annotate(trial.comparison_id, note=options.note, tags=tags)
        try:
            await asyncio.wrap_future(kept)
        except HistoryError as error:
            self._telling.say(str(error))

    def _say_cautions(self, trial: Trial, course: Course) -> None:
        """Say what speaks against believing it, and how more can be known."""
        for caution in cautions_of(self.comparisons[-1], self._conventions):
            self._telling.say(caution)
        most = course.plan.repeat
        if most >= MAX_REPEAT or is_complete(with_most(course, most + 1)):
            return
        more = f"--most {min(2 * most, MAX_REPEAT)}"
        named = f"run --continue {trial.comparison_id[:8]} {more}"
        kept = self._session.history is not None
        goes_on = f"`streamscope {named}` goes on" if kept else f"{more} would go on"
        self._telling.say(f"Ended after the most pairs, {most}: {goes_on}.")

    def _say_incomplete(self, trial: Trial, course: Course, matchup: Matchup) -> None:
        """Say how far it came, and how it can go on: as soon as runs tell what was compared."""
        began = "Stopped" if trial.stopped else "Ended"
        why = "" if trial.stopped else why_ended(course) or why_lost(course)
        said = f"{began} after {how_far(course)}{f': {why}' if why else ''}"
        told = matchup.sides.question == "delivery" or Sides.of(trial.runs) is not None
        if self._session.history is not None and told:
            goes_on = f"`streamscope run --continue {trial.comparison_id[:8]}` goes on"
            said += f". {goes_on}" if why else f": {goes_on}"
        self._telling.say(f"{said}.")

    def _interrupt(self) -> None:
        self._interrupted = True
        if self._trial is not None:
            self._trial.stop()
        if self._opening is not None:
            self._opening.cancel()
