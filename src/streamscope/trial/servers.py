"""From a wish to a server: those that run are asked, and those of ours are started."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from streamscope.engines import local
from streamscope.engines.addresses import read
from streamscope.engines.choose import Choice, choose
from streamscope.engines.detect import USUAL, Found, detect
from streamscope.engines.found import Candidate
from streamscope.engines.launch import launch
from streamscope.engines.weights import Progress
from streamscope.key_owners import authority
from streamscope.keys import Key, KeyRefusedError, Secret
from streamscope.probe.client import Probe
from streamscope.trace import Target
from streamscope.trial import known_servers
from streamscope.trial.setup import NoServerError, Report, Setup, Wish


class Servers:
    """Finds servers, with the key of each, and starts those of ours."""

    def __init__(
        self,
        probe: Probe,
        *,
        cache_dir: Path,
        key_for: Callable[[str, str], Key | None],
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
            key_for: Returns the key for a URL, given the one that the person named.
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
        self._named = ""
        self._refusals: set[str] = set()

    async def choose(self, wish: Wish) -> Choice:
        """Return what fulfils a wish, without starting or changing anything.

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
        target = None
        self._wish, self._named = wish, ""
        if wish.url:
            from streamscope.wire.urls import validate_url  # the first picture needs no protocol

            try:
                url = self._named = validate_url(wish.url)
            except ValueError as error:
                raise NoServerError(str(error)) from error
            target = Target(protocol=wish.protocol, url=url, model=wish.model)
            await self._key(url)  # what speaks against it is said before anybody is asked
        elif wish.engine == "auto":
            await self._have_keys(self._candidates)
        self._refusals.clear()
        choice = await choose(
            self._fetch,
            engine=wish.engine,
            target=target,
            model=wish.model,
            candidates=self._candidates,
            known=known_servers.known(self._known_file, self._named) if self._named else None,
            local_missing=local.missing(),
        )
        # A server that would have come first, had its key been sent, is missed by the person.
        reason = " ".join([choice.reason, *sorted(self._refusals)])
        return msgspec.structs.replace(choice, reason=reason)

    async def prepare(self, choice: Choice, wish: Wish, report: Report) -> Setup:
        """Return what was chosen, ready to be measured; an engine of ours is started.

        Raises:
            EngineError: It can't be started.
            KeyRefusedError: The key of the server can't be sent to it.
        """
        if choice.kind == "server":
            assert choice.target is not None
            target = choice.target
            if wish.model and not wish.url:
                target = msgspec.structs.replace(target, model=wish.model)
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

        def progress(at: Progress) -> None:
            share = at.done / at.total if at.done and at.total else None
            size = f": {at.done / 1e6:.0f} of {at.total / 1e6:.0f} MB" if share else ""
            report(f"{at.phase}{size}", share)

        launched = await launch(
            choice,
            cache_dir=self._cache_dir,
            gguf=self._gguf,
            profile=(wish.model if wish.engine == "simulator" else "") or self._profile,
            fallback=wish.engine == "auto",
            report=lambda phase: report(phase, None),
            progress=progress,
        )
        engine = launched.engine
        return Setup(
            target=engine.target,
            key=engine.key,
            engine=engine.name,
            reason=launched.reason,
            caution=engine.caution,
            contended=True,
            uncached=True,
            process=engine,
        )

    def remember(self, choice: Choice) -> None:
        """Remember a server that was named, for those who look for one later."""
        if choice.found is not None:
            known_servers.remember(self._known_file, self._named, choice.found)

    @property
    def named(self) -> tuple[Wish, str]:
        """What was wished for last, and the URL that the person named in it; may be set again."""
        return self._wish, self._named

    @named.setter
    def named(self, before: tuple[Wish, str]) -> None:
        self._wish, self._named = before

    async def discover(self) -> list[Found]:
        """Return the servers that answer: where one was named, on usual ports, at vendors."""
        named = [self._named] if self._named else []
        before = [each.url for each in known_servers.read(self._known_file)]
        known = [
            *(Candidate(url=url) for url in named),
            *self._candidates,
            *(Candidate(url=url) for url in before),
        ]
        await self._have_keys([*known, *self._offered])
        usual = [Candidate(url=url) for url in USUAL]
        found = await detect(self._fetch, [*known, *usual, *self._offered])
        # The same server may have been named in several ways.
        return list({(each.url, each.protocol): each for each in reversed(found)}.values())[::-1]

    async def _have_keys(self, places: Iterable[Candidate]) -> None:
        """Have keys at hand: a command may take longer than a server has to answer.

        Why there is none is told when it is wanted.
        """
        await asyncio.gather(*(self._key(place.url) for place in places), return_exceptions=True)

    async def _key(self, url: str) -> Key | None:
        return await asyncio.to_thread(self._key_for, url, self._named)

    async def _fetch(self, url: str, timeout_s: float) -> tuple[int, bytes]:
        """Get a page, with the key of the server, if there is one, where it looks for it.

        Raises:
            OSError: There is no answer, or none can be had without a key that is not sent there.
        """
        try:
            key = await self._key(url)
        except KeyRefusedError as error:
            self._refusals.add(str(error))
            raise OSError(str(error)) from error
        return await self._probe.fetch(
            url, timeout_s, self._opening(url, key), self._proxy_for(url)
        )

    def _opening(self, url: str, key: Key | None) -> dict[str, str]:
        """Return the headers that open a page."""
        if key is None:
            return {}
        from streamscope.wire import getting  # no server without a key needs a protocol for that

        named = self._named and authority(url) == authority(self._named)
        speaks = read(url).protocol or key.protocol or (self._wish.protocol if named else "")
        headers = {**getting.headers(speaks or "openai-chat", url, key.value), **key.headers}
        return {name: Secret(value) for name, value in headers.items()}
