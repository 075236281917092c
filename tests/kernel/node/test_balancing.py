"""Load balancers of a real agent: what requests get, by which rule, from whom, and with which headers."""

import asyncio
import random
import ssl
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.kernel.node.balancinglab import (
    ADDRESS,
    API,
    BALANCER,
    CHECK,
    ENIS,
    WEB,
    balancer,
    default,
    listener,
    listens,
    secure,
    site,
    target,
    to,
)
from tests.kernel.node.nodelab import PATIENCE, VPC, eni
from tests.kernel.node.webs import Client, Load, get, until

from homeport.wire.messages import (
    BalancerState,
    FixedResponse,
    Forward,
    GroupStickiness,
    HostHeader,
    HttpHeader,
    ListenerRule,
    PathPattern,
    QueryPair,
    QueryString,
    Redirect,
    RequestMethod,
    Rule,
    SecurityGroup,
    SourceIp,
    TargetState,
    WeightedGroup,
)

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


async def test_requests_reach_healthy_targets_of_the_groups_that_rules_choose(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        webs = [await at.web(11), await at.web(12)]
        await at.balance(balancer(listener(default(to(WEB)))), WEB)
        assert (await get(at.client, ADDRESS)).status == 503  # no targets
        targets = [target(WEB, 11), target(WEB, 12)]
        await at.register(*targets)
        assert [seen.state for seen in at.server.targets[targets[0].id]][:1] == [TargetState.INITIAL]
        replies = [await get(at.client, address) for address in (*[ADDRESS] * 4, ENIS[1].address)]
        assert {reply.body for reply in replies} == {b"web-11", b"web-12"}
        assert {reply.status for reply in replies} == {200}
        request = webs[0].seen[0]
        assert request.peer == ADDRESS
        assert request.headers["x-forwarded-for"] == eni(100).address
        assert request.headers["x-forwarded-proto"] == "http"
        assert request.headers["x-forwarded-port"] == "80"
        assert request.headers["x-amzn-trace-id"].startswith("Root=1-")
        at.server.drop(balancer())
        await at.server.until(lambda: at.server.balancers[BALANCER].state is BalancerState.GONE)
        assert at.processes() == []


async def test_the_first_rule_that_fits_decides(tmp_path: Path, root_filesystem: Path):
    def answer(word: str, *conditions: Any) -> ListenerRule:
        action = FixedResponse(status=200, content_type="text/plain", body=word)
        return ListenerRule(id=word, action=action, conditions=conditions)

    elsewhere = Redirect(status=302, protocol="HTTPS", port="443", path="/moved/#{path}", query="from=#{host}&#{query}")
    rules = (
        answer("host", HostHeader(values=("*.Example.com", "exact.test"))),
        answer("path", PathPattern(values=("/img/*.pn?", "/exact"))),
        answer("header", HttpHeader(name="X-Kind", values=("bl?e*",))),
        answer("query", QueryString(values=(QueryPair(key="version", value="v1*"), QueryPair(value="any")))),
        answer("both", PathPattern(values=("/both",)), RequestMethod(values=("POST", "PUT"))),
        answer("near", PathPattern(values=("/near",)), SourceIp(values=("192.168.0.0/16", f"{eni(100).address}/32"))),
        answer("far", PathPattern(values=("/far",)), SourceIp(values=("192.168.0.0/16",))),
        ListenerRule(id="moved", action=elsewhere, conditions=(PathPattern(values=("/old*",)),)),
        default(FixedResponse(status=404, content_type="text/html", body="it's {none} of 100%\n'these'")),
    )
    async with site(tmp_path, root_filesystem) as at:
        await at.balance(balancer(listener(*rules)))

        async def body(path: str = "/", **more: str) -> str:
            return (await get(at.client, ADDRESS, 80, path, **more)).body.decode()

        none = "it's {none} of 100%\n'these'"
        assert await body(host="www.EXAMPLE.com:80") == await body(host="exact.test") == "host"
        assert await body(host="example.com") == none
        assert await body("/img/a/b.png?x") == await body("/exact") == "path"
        assert await body("/IMG/a.png") == await body("/exactly") == await body("/img/a.p") == none
        assert await body(X_Kind="BLUEish") == "header"
        assert await body(X_Kind="notblue") == none
        assert await body("/?a=b&VERSION=v12") == await body("/?a=ANY") == await body("/?any") == "query"
        assert await body("/?version=v2&a=many") == none
        assert await body("/both", method="PUT", Content_Length="0") == "both"
        assert await body("/both") == none
        assert await body("/near") == "near"
        assert await body("/far") == none
        moved = await get(at.client, ADDRESS, path="/old/x?y=1", host="web.test")
        assert (moved.status, moved.header("Location")) == (302, "https://web.test:443/moved/old/x?from=web.test&y=1")
        assert moved.header("Server") == "awselb/2.0"
        reply = await get(at.client, ADDRESS)
        assert (reply.status, reply.header("Content-Type")) == (404, "text/html")


async def test_connections_to_targets_are_kept(tmp_path: Path, root_filesystem: Path):
    """Of targets that were added while the proxy runs, too."""
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11)
        await at.balance(balancer(listener(default(Forward(target_groups=(WeightedGroup(target_group=WEB.id),))))), WEB)
        await at.register(target(WEB, 11))
        client = Client(at.client, ADDRESS)
        for _ in range(20):
            assert (await client.request()).body == b"web-11"
        client.close()
        assert len({request.port for request in web.seen}) <= 2


async def test_requests_are_shared_by_weight_and_clients_stay_where_cookies_say(tmp_path: Path, root_filesystem: Path):
    shares = (WeightedGroup(target_group=WEB.id, weight=3), WeightedGroup(target_group=API.id, weight=1))
    none = (WeightedGroup(target_group=WEB.id, weight=0), WeightedGroup(target_group=API.id, weight=5))
    sticky = ListenerRule(
        id="sticky",
        action=Forward(target_groups=shares, sticky_seconds=60),
        conditions=(PathPattern(values=("/sticky",)),),
    )
    only = ListenerRule(id="only", action=Forward(target_groups=none), conditions=(PathPattern(values=("/only",)),))
    cookie = replace(WEB, stickiness=GroupStickiness(kind="lb_cookie", seconds=60))
    async with site(tmp_path, root_filesystem) as at:
        for number in (11, 12, 13):
            await at.web(number)
        rules = (sticky, only, default(Forward(target_groups=shares)))
        await at.balance(balancer(listener(*rules)), cookie, API)
        await at.register(target(WEB, 11), target(WEB, 12), target(API, 13))
        bodies = [(await get(at.client, ADDRESS)).body for _ in range(200)]
        assert 25 <= bodies.count(b"web-13") <= 80  # a quarter of 200, and what chance does to it
        assert {(await get(at.client, ADDRESS, path="/only")).body for _ in range(10)} == {b"web-13"}

        async def with_cookies(path: str) -> None:
            first = await get(at.client, ADDRESS, path=path)
            cookies = "; ".join(each.partition(";")[0] for each in first.headers["set-cookie"])
            again = {(await get(at.client, ADDRESS, path=path, Cookie=cookies)).body for _ in range(10)}
            assert again == {first.body}

        for _ in range(4):
            await with_cookies("/sticky")
        assert {(await get(at.client, ADDRESS)).body for _ in range(100)} == {b"web-11", b"web-12", b"web-13"}


async def test_own_answers_have_the_status_codes_of_aws(tmp_path: Path, root_filesystem: Path):
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11)
        fn = replace(API, target_type="lambda")
        rule = ListenerRule(id="fn", action=to(fn), conditions=(PathPattern(values=("/fn",)),))
        listeners = listener(rule, default(to(WEB)))
        await at.balance(balancer(listeners), WEB, fn)
        reply = await get(at.client, ADDRESS)
        assert (reply.status, reply.header("Server")) == (503, "awselb/2.0")
        assert b"<h1>503 Service Temporarily Unavailable</h1>" in reply.body
        assert (await get(at.client, ADDRESS, path="/fn")).status == 502
        await at.register(target(WEB, 11))
        web.break_off = True
        assert (await get(at.client, ADDRESS)).status == 502
        before = len(web.seen)
        assert (await get(at.client, ADDRESS, method="POST", Content_Length="0")).status == 502
        assert len(web.seen) == before + 1  # what may have had an effect is not said twice
        web.break_off, web.held = False, asyncio.Event()
        old = at.processes()
        at.server.put(balancer(listeners, idle_timeout=2))
        await until(lambda: at.processes() and not set(old) & set(at.processes()))
        assert (await get(at.client, ADDRESS)).status == 504
        web.held.set()
        await web.exit()
        reply = await get(at.client, ADDRESS)
        assert (reply.status, reply.header("Server")) == (502, "awselb/2.0")


async def test_tls_listeners_speak_http_2_and_hand_over_websockets(tmp_path: Path, root_filesystem: Path):
    encrypted, chain = secure(tmp_path, default(to(WEB)))
    context = ssl.create_default_context(cafile=str(chain))
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11)
        await at.balance(balancer(encrypted, listener(default(to(WEB)))), WEB)
        await at.register(target(WEB, 11))
        client = Client(at.client, ADDRESS, 443, context)
        reply = await client.request(X_Forwarded_For="203.0.113.1", X_Amzn_Trace_Id="Root=1-0-abc;Self=x")
        assert reply.body == b"web-11"
        client.close()
        headers = web.seen[-1].headers
        assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443")
        assert headers["x-forwarded-for"] == f"203.0.113.1, {eni(100).address}"
        assert headers["x-amzn-trace-id"].startswith("Self=1-")
        assert headers["x-amzn-trace-id"].endswith(";Root=1-0-abc;")
        chosen = ssl.create_default_context(cafile=str(chain))
        chosen.set_alpn_protocols(["h2", "http/1.1"])
        client = Client(at.client, ADDRESS, 443, chosen)
        _, writer = await client.open()
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        client.close()
        client = Client(at.client, ADDRESS)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        assert (await client.request(**upgrade)).status == 101
        reader, writer = await client.open()
        writer.write(b"anything")
        assert await reader.readexactly(8) == b"anything"
        client.close()


async def test_a_network_load_balancer_passes_streams(tmp_path: Path, root_filesystem: Path):
    group = replace(WEB, protocol="TCP", health_check=replace(CHECK, protocol="TCP"))
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11)
        await at.balance(balancer(listener(default(to(group)), protocol="TCP"), kind="network"), group)
        await at.register(target(group, 11))
        client = Client(at.client, ADDRESS)
        assert (await client.request()).body == b"web-11"
        assert "x-forwarded-for" not in web.seen[0].headers
        at.server.put(target(group, 11, draining=True, draining_since=1e12))
        await at.settled(target(group, 11), TargetState.DRAINING)
        assert (await client.request()).body == b"web-11"  # as long as the connection lasts
        client.close()
        await at.settled(target(group, 11), TargetState.DRAINED)


@pytest.mark.parametrize("ended", [True, False])
async def test_connections_to_an_unhealthy_target_end_if_it_is_asked_for(
    tmp_path: Path, root_filesystem: Path, ended: bool
):
    group = replace(WEB, protocol="TCP", unhealthy_termination=ended)
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11)
        await at.balance(balancer(listener(default(to(group)), protocol="TCP"), kind="network"), group)
        await at.register(target(group, 11))
        client = Client(at.client, ADDRESS)
        assert (await client.request()).body == b"web-11"
        web.health = 500
        await at.settled(target(group, 11), TargetState.UNHEALTHY)
        reader, _ = await client.open()
        if ended:
            async with asyncio.timeout(PATIENCE):
                assert await reader.read() == b""
        else:
            assert (await client.request()).body == b"web-11"
        client.close()


@pytest.mark.parametrize("kind", ["application", "network"])
async def test_with_too_few_healthy_targets_all_are_given_requests(tmp_path: Path, root_filesystem: Path, kind: str):
    protocol = "HTTP" if kind == "application" else "TCP"
    group = replace(WEB, protocol=protocol, minimum_healthy=2)
    async with site(tmp_path, root_filesystem) as at:
        well, ill = [await at.web(number) for number in (11, 12)]
        await at.balance(balancer(listener(default(to(group)), protocol=protocol), kind=kind), group)
        await at.register(target(group, 11), target(group, 12))
        ill.health = 500
        await at.settled(target(group, 12), TargetState.UNHEALTHY)
        assert {(await get(at.client, ADDRESS)).body for _ in range(10)} == {b"web-11", b"web-12"}
        at.server.put(replace(group, minimum_healthy=1))

        async def only_the_healthy_one() -> bool:
            return {(await get(at.client, ADDRESS)).body for _ in range(6)} == {b"web-11"}

        async with asyncio.timeout(PATIENCE):
            while not await only_the_healthy_one():
                pass
        assert well.seen


async def test_a_target_is_told_of_the_client_by_the_proxy_protocol(tmp_path: Path, root_filesystem: Path):
    group = replace(WEB, protocol="TCP", proxy_protocol=True)
    async with site(tmp_path, root_filesystem) as at:
        web = await at.web(11, proxied=True)
        await at.balance(balancer(listener(default(to(group)), protocol="TCP"), kind="network"), group)
        await at.register(target(group, 11))
        assert web.checks, "health checks come with a header, too"
        assert set(web.sources) == {""}, "in which they say that they are the load balancer's own"
        client = Client(at.client, ADDRESS)
        assert (await client.request()).body == b"web-11"
        assert web.sources[-1] == eni(100).address
        client.close()


async def test_its_security_groups_decide_who_reaches_it(tmp_path: Path, root_filesystem: Path):
    closed = SecurityGroup(
        id="sg-closed", vpc=VPC.id, ingress=(Rule(protocol="tcp", from_port=80, to_port=80, cidr="10.0.0.0/8"),)
    )
    async with site(tmp_path, root_filesystem) as at:
        answers = (listener(default(FixedResponse(status=200)), port=port) for port in (80, 81))
        at.server.put(closed, *(replace(each, groups=(closed.id,)) for each in ENIS))
        spec = balancer(*answers)
        at.server.put(VPC, spec)
        await at.server.until(at.active)
        assert (await get(at.client, ADDRESS)).status == 200
        assert (await get(at.client, ENIS[1].address)).status == 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await get(at.client, ADDRESS, 81)


@pytest.mark.fault
async def test_a_node_killed_at_random_moments_of_a_deployment_fails_no_request(tmp_path: Path, root_filesystem: Path):
    dice = random.Random(5)
    async with site(tmp_path, root_filesystem) as at:
        await at.balance(balancer(listener(default(to(WEB)))), WEB)
        webs = {11: await at.web(11, delay=0.01)}
        await at.register(target(WEB, 11))
        load = Load(at.client, ADDRESS, clients=6).start()

        async def kill() -> None:
            await asyncio.sleep(dice.choice((0.0, 0.005, 0.02, 0.05, 0.1, 0.2)))  # the moment is the point
            at.server.kill_agent()
            at.server.start_agent()

        for number in range(12, 22):
            webs[number] = await at.web(number, delay=0.01)
            at.server.put(target(WEB, number))
            if dice.random() < 0.5:
                await kill()
            await at.settled(target(WEB, number), TargetState.HEALTHY)
            if dice.random() < 0.5:  # the proxy is replaced, too
                extra = listener(default(FixedResponse(status=200)), port=8000 + number)
                at.server.put(balancer(listener(default(to(WEB))), extra))
                if dice.random() < 0.5:
                    await kill()
            old = number - 1
            at.server.put(target(WEB, old, draining=True, draining_since=1e12))
            if dice.random() < 0.5:
                await kill()
            await at.settled(target(WEB, old), TargetState.DRAINED)
            at.server.drop(target(WEB, old))
            await webs[old].exit()
            await load.more(20)
        await load.stop()
        assert load.failed == []
        assert load.by.keys() == {web.name.encode() for web in webs.values()}


async def test_attributes_say_what_targets_are_told(tmp_path: Path, root_filesystem: Path):
    sticky = replace(WEB, stickiness=GroupStickiness(kind="app_cookie", seconds=60, cookie="SID"))
    async with site(tmp_path, root_filesystem) as at:
        webs = [await at.web(number, extra="Set-Cookie: SID=1; Path=/\r\n") for number in (11, 12)]
        here = f"{eni(100).address}"

        async def headers(**attributes: Any) -> dict[str, str]:
            port = 8000 + len(seen)
            spec = balancer(listener(default(to(WEB)), port=port), **attributes)
            at.server.put(spec)
            await until(lambda: at.processes() and listens(at, port))
            given = {"X_Forwarded_For": "203.0.113.1", "X_Sent": "1", "X%": "1"}
            reply = await get(at.client, ADDRESS, port, host="web.test", **given)
            seen.append(reply.body)
            web = next(web for web in webs if web.name.encode() == reply.body)
            return web.seen[-1].headers

        seen: list[bytes] = []
        await at.balance(balancer(listener(default(to(WEB)))), sticky)
        await at.register(target(WEB, 11), target(WEB, 12))
        found = await headers()
        assert (found["x-forwarded-for"], found["host"]) == (f"203.0.113.1, {here}", "web.test:8000")
        assert "x%" in found
        found = await headers(xff_client_port=True, preserve_host_header=True, drop_invalid_header_fields=True)
        assert found["x-forwarded-for"].startswith(f"203.0.113.1, {here}:")
        assert (found["host"], "x%" in found, "x-sent" in found) == ("web.test", False, True)
        assert (await headers(xff_header_processing="preserve"))["x-forwarded-for"] == "203.0.113.1"
        assert "x-forwarded-for" not in await headers(xff_header_processing="remove")
        first = await get(at.client, ADDRESS, 8003)
        cookies = "; ".join(each.partition(";")[0] for each in first.headers["set-cookie"])
        assert "AWSALBAPP-0=" in cookies
        assert {(await get(at.client, ADDRESS, 8003, Cookie=cookies)).body for _ in range(10)} == {first.body}


async def test_a_listener_s_headers_are_in_every_answer(tmp_path: Path, root_filesystem: Path):
    headers = (("Strict-Transport-Security", "max-age=60"), ("Content-Security-Policy", "default-src 'self' 100%"))
    async with site(tmp_path, root_filesystem) as at:
        await at.web(11, extra="Server: web\r\nStrict-Transport-Security: none\r\n")
        own = listener(default(FixedResponse(status=200)), port=81, response_headers=headers, server_header=False)
        both = (listener(default(to(WEB)), response_headers=headers, server_header=False), own)
        await at.balance(balancer(*both), WEB)
        await at.register(target(WEB, 11))
        for port in (80, 81):
            reply = await get(at.client, ADDRESS, port)
            assert {name: reply.header(name) for name, _ in headers} == dict(headers)
            assert "server" not in reply.headers
