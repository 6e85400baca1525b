"""From a wish to a server: those that run are asked, and those of ours are started."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from streamscope.engines import local
from streamscope.engines.addresses import read
from streamscope.engines.choose import Choice, choose, place
from streamscope.engines.detect import USUAL, Found, detect
from streamscope.engines.engine import EngineError
from streamscope.engines.found import Candidate
from streamscope.engines.heard import NotAskedError
from streamscope.engines.launch import Launched, launch
from streamscope.engines.weights import Progress
from streamscope.key_owners import authority
from streamscope.keys import Key, KeyRefusedError, Secret
from streamscope.probe.client import Probe
from streamscope.trace import Target
from streamscope.trial import known_servers
from streamscope.trial.setup import NoServerError, Report, Setup, Wish


class KeyFor(Protocol):
    """Returns keys; it may have to wait, so it is called in a thread."""

    def __call__(self, url: str, *named: str) -> Key | None:
        """Return the key for a URL.

        Args:
            url: Where it would go.
            named: URLs that the person named, the first one first.

        Raises:
            KeyRefusedError: It can't be had, or may not go there.
        """


class Servers:
    """Finds servers, with the key of each, and starts those of ours."""

    def __init__(
        self,
        probe: Probe,
        *,
        cache_dir: Path,
        key_for: KeyFor,
        proxy_for: Callable[[str], str | None],
        candidates: Sequence[Candidate] = (),
        offered: Sequence[Candidate] = (),
        gguf: Path | None = None,
        profile: str = "default",
    ) -> None:
        """Take what a session was given; see there.

        Args:
            probe: Gets the pages; it must have been started.
            cache_dir: Where fetched weights and servers that were named are kept.
            key_for: Returns the key for a URL.
            proxy_for: Returns the proxy for a URL.
            candidates: Servers that the environment names, the one that is preferred first.
            offered: Further servers to choose from, of which none is chosen unless it is named.
            gguf: A model of the person's own for the local engine.
            profile: The simulator's profile.
        """
        self._probe = probe
        self._cache_dir = cache_dir
        self._known_file = cache_dir / "servers.json"
        self._key_for = key_for
        self._proxy_for = proxy_for
        self._candidates = tuple(candidates)
        self._offered = tuple(offered)
        self._gguf = gguf
        self._profile = profile
        self._wish = Wish()
        self._named: tuple[str, ...] = ()
        self._own = ""
        self._refusals: set[str] = set()

    async def choose(self, wish: Wish, *, second: bool = False) -> Choice:
        """Return what fulfils a wish, without starting or changing anything.

        Args:
            wish: What is wanted.
            second: Whether it is wanted beside what was chosen last, and not in its place.

        Raises:
            NoServerError: The wish contradicts itself.
            EngineError: What was asked for is not to be had.
            KeyRefusedError: The key of the server that was named can't be sent to it.
        """
        if wish.engine == "local" and wish.model:
            raise NoServerError(
                "The local engine serves one model, so --model names nothing there: "
                "set model_file in the config file to serve a GGUF file of your own."
            )
        target, url = None, ""
        self._wish, self._named = wish, self._named if second else ()
        if wish.url:
            from streamscope.wire.urls import validate_url  # the first picture needs no protocol

            try:
                url = validate_url(wish.url)
            except ValueError as error:
                raise NoServerError(str(error)) from error
            self._named = (*self._named, url)
            self._own = self._own_after(wish, url, second=second)
            target = Target(protocol=wish.protocol, url=url, model=wish.model)
            await self._key(url)  # what speaks against it is said before anybody is asked
        elif wish.engine == "auto":
            await self._have_keys(self._candidates)
        self._refusals.clear()
        # A server that would have come first, had its key been sent, is missed by the person.
        try:
            choice = await choose(
                self._fetch,
                engine=wish.engine,
                target=target,
                model=wish.model,
                protocol=wish.protocol,
                candidates=self._candidates,
                known=known_servers.known(self._known_file, url) if url else None,
                local_missing=local.missing(),
            )
        except EngineError as error:
            raise EngineError(" ".join([str(error), *sorted(self._refusals)])) from error
        reason = " ".join([choice.reason, *sorted(self._refusals)])
        return msgspec.structs.replace(choice, reason=reason)

    async def prepare(
        self, choice: Choice, wish: Wish, report: Report, running: Sequence[Setup] = ()
    ) -> Setup:
        """Return what was chosen, ready to be measured; an engine of ours is started.

        Args:
            choice: What was chosen.
            wish: What for.
            report: Told what is being done.
            running: What is ready already: an engine that still runs is not started again.

        Raises:
            EngineError: It can't be started, or does not speak what was wished for.
            KeyRefusedError: The key of the server can't be sent to it.
        """
        if choice.kind == "server":
            assert choice.target is not None
            target = choice.target
            if not wish.url:
                target = msgspec.structs.replace(
                    target,
                    model=wish.model or target.model,
                    protocol=wish.protocol or target.protocol,
                )
            key = await self._key(target.url)
            return Setup(
                target=target,
                key=key.value if key else None,
                headers=key.headers if key else {},
                reason=choice.reason,
                contended=choice.contended,
                version=choice.version,
                proxy=self._proxy_for(target.url),
            )
        profile = (wish.model if wish.engine == "simulator" else "") or self._profile
        there = [setup.process for setup in running if setup.engine == choice.kind and setup.alive]
        if there and there[0] is not None:
            launched = Launched(there[0], choice.reason)
        else:
            launched = await self._launch(choice, wish, profile, report)
        engine = launched.engine
        model = profile if engine.name == "simulator" else ""
        try:
            target = engine.speaking(wish.protocol, model)
        except EngineError:
            if engine not in there:
                engine.close()
            raise
        return Setup(
            target=target,
            key=engine.key,
            engine=engine.name,
            reason=launched.reason,
            caution=engine.caution,
            contended=True,
            uncached=True,
            process=engine,
        )

    async def _launch(self, choice: Choice, wish: Wish, profile: str, report: Report) -> Launched:
        def progress(at: Progress) -> None:
            share = at.done / at.total if at.done and at.total else None
            size = f": {at.done / 1e6:.0f} of {at.total / 1e6:.0f} MB" if share else ""
            report(f"{at.phase}{size}", share)

        return await launch(
            choice,
            cache_dir=self._cache_dir,
            gguf=self._gguf,
            profile=profile,
            fallback=wish.engine == "auto",
            report=lambda phase: report(phase, None),
            progress=progress,
        )

    def remember(self, choice: Choice, wish: Wish) -> None:
        """Remember a server that has a URL, for those who look for one later, and who named it."""
        if not wish.url:
            return
        from streamscope.wire.urls import validate_url

        url = validate_url(wish.url)
        if wish.named:
            known_servers.name(self._known_file, url)
        if choice.found is not None:
            known_servers.remember(self._known_file, url, choice.found)

    @property
    def named(self) -> tuple[Wish, tuple[str, ...], str]:
        """What was wished for last, its URLs, and whose the person's own key is; may be set again.

        The wish may be one of two: its URLs are those of both.
        """
        return self._wish, self._named, self._own

    @named.setter
    def named(self, before: tuple[Wish, tuple[str, ...], str]) -> None:
        self._wish, self._named, self._own = before

    async def discover(self) -> list[Found]:
        """Return the servers that answer: where one was named, on usual ports, at vendors.

        What is spoken to in several ways at one place stands together.
        """
        before = [each.url for each in known_servers.read(self._known_file)]
        known = [
            *(Candidate(url=url) for url in self._named),
            *self._candidates,
            *(Candidate(url=url) for url in before),
        ]
        await self._have_keys([*known, *self._offered])
        usual = [Candidate(url=url) for url in USUAL]
        found = await detect(self._fetch, [*known, *usual, *self._offered])
        # The same server may have been named in several ways.
        known_once = {(each.url, each.protocol): each for each in reversed(found)}
        servers = list(known_once.values())[::-1]
        first = {place(each.url): at for at, each in reversed([*enumerate(servers)])}
        return sorted(servers, key=lambda each: first[place(each.url)])

    def _own_after(self, wish: Wish, url: str, *, second: bool) -> str:
        """Return the URL of the server that the person's own key is for, once a wish has a URL.

        It is the one that they named last, and of two at once the first: the key is sent to one.
        """
        if not wish.named:
            before = known_servers.named(self._known_file)
            again = wish.named_once and authority(url) in map(authority, before)
            return self._own or (url if again else "")
        taken = second and authority(self._own) in map(authority, self._named[:-1])
        return self._own if taken else url

    async def _have_keys(self, places: Iterable[Candidate]) -> None:
        """Have keys at hand: a command may take longer than a server has to answer.

        Why there is none is told when it is wanted.
        """
        await asyncio.gather(*(self._key(place.url) for place in places), return_exceptions=True)

    async def _key(self, url: str) -> Key | None:
        return await asyncio.to_thread(self._key_for, url, self._own, *self._named)

    async def _fetch(self, url: str, timeout_s: float) -> tuple[int, bytes]:
        """Get a page, with the key of the server, if there is one, where it looks for it.

        Raises:
            OSError: There is no answer.
            NotAskedError: None can be had without a key that is not sent there.
        """
        try:
            key = await self._key(url)
        except KeyRefusedError as error:
            self._refusals.add(str(error))
            raise NotAskedError(str(error)) from error
        return await self._probe.fetch(
            url, timeout_s, self._opening(url, key), self._proxy_for(url)
        )

    def _opening(self, url: str, key: Key | None) -> dict[str, str]:
        """Return the headers that open a page."""
        if key is None:
            return {}
        from streamscope.wire import getting  # no server without a key needs a protocol for that

        named = authority(url) in map(authority, self._named[-1:])  # the last wish's
        speaks = read(url).protocol or key.protocol or (self._wish.protocol if named else "")
        headers = {**getting.headers(speaks or "openai-chat", url, key.value), **key.headers}
        return {name: Secret(value) for name, value in headers.items()}
