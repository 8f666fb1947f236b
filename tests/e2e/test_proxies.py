"""Behind proxies: whose connection it is, whom the broker believes, and what it makes of that."""

import contextlib
import ipaddress
import struct

import pytest

from openmetrics import scrape
from pace import wait_until
from raw_socket import RawSocket, upgrade_request

PROXY, OTHER_PROXY, STRANGER = "127.0.0.7", "127.0.0.8", "127.0.0.9"
V2 = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.1 10.0.0.2 56324 443\r\n"


def v2(source="192.0.2.1", command=1, tlvs=b""):
    """A header of version 2 with addresses of the source's family."""
    address = ipaddress.ip_address(source)
    body = address.packed + address.packed + struct.pack("!HH", 4711, 443) + tlvs
    family = 0x11 if address.version == 4 else 0x21
    return V2 + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


def with_checksum(header):
    """The header with a CRC-32C in front of which nothing but addresses stand."""
    size = struct.unpack("!H", header[14:16])[0] + 7
    header = header[:14] + struct.pack("!H", size) + header[16:] + b"\x03\x00\x04"
    return header + struct.pack("!I", crc32c(header + bytes(4)))


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def address_of(broker, raw):
    """Connects with the handshake that follows and returns what the API says of the address."""
    connection_id = raw.read_message()["connection_id"]

    def find():
        answer = broker.ask_api("/api/connections/" + connection_id)
        return answer.status == 200 and answer
    return wait_until(find, "the connection is found").json().get("address")


@contextlib.contextmanager
def connected(broker, before=b"", headers=(), **socket_options):
    with RawSocket(broker, **socket_options) as raw:
        raw.send(before + upgrade_request(headers=headers))
        assert raw.read_head().status == 101
        yield raw


def seen_address(broker, before=b"", headers=(), **socket_options):
    with connected(broker, before, headers, **socket_options) as raw:
        return address_of(broker, raw)


def refused_status(broker, before=b"", headers=(), **socket_options):
    with RawSocket(broker, **socket_options) as raw:
        raw.send(before + upgrade_request(headers=headers))
        return raw.read_head().status


@pytest.fixture
def proxied(start_broker):
    """An ordinary address and one for proxies; nobody is named in trusted_proxy."""
    return start_broker(listen_proxy="127.0.0.1:0", shards=2)


@pytest.fixture
def trusting(start_broker):
    """Trusts 127.0.0.7 and 127.0.0.8, on both kinds of address."""
    return start_broker(listen_proxy="127.0.0.1:0", trusted_proxy=[PROXY, OTHER_PROXY + "/32"])


# ---- the PROXY protocol ----

@pytest.mark.parametrize("header, address", [
    (V1, "192.0.2.1"),
    (b"PROXY TCP6 2001:db8::5 2001:db8::6 4660 443\r\n", "2001:db8::5"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (v2(), "192.0.2.1"),
    (v2("2001:db8::5"), "2001:db8::5"),
    (v2(tlvs=b"\x01\x00\x02h2" + b"\x04\x00\x10" + bytes(16)), "192.0.2.1"),
    (with_checksum(v2()), "192.0.2.1"),
    (v2(command=0), "127.0.0.1"),
    (V2 + b"\x20\x00\x00\x00", "127.0.0.1"),
], ids=["v1", "v1-v6", "v1-unknown", "v2", "v2-v6", "v2-tlvs", "v2-checksum", "v2-local",
        "v2-local-empty"])
def test_a_header_says_whose_connection_it_is(proxied, header, address):
    assert seen_address(proxied, header, proxied=True) == address


@pytest.mark.parametrize("header", [V1, v2("2001:db8::5"), with_checksum(v2())])
@pytest.mark.parametrize("size", [1, 7, 30])
def test_a_header_may_come_in_pieces(proxied, header, size):
    with RawSocket(proxied, proxied=True) as raw:
        raw.send_in_pieces(header + upgrade_request(), size)
        assert raw.read_head().status == 101
        assert address_of(proxied, raw) in ("192.0.2.1", "2001:db8::5")


@pytest.mark.parametrize("first", [
    upgrade_request(), b"GET /ws/health HTTP/1.1\r\nHost: h\r\n\r\n", b"PROXY TCP4 192.0.2.1\r\n",
    b"PROXY TCP4 192.0.2.1 10.0.0.2 1 65536\r\n", b"x", V2 + b"\x31\x11\x00\x00",
    V2 + b"\x21\x11\xff\xff", with_checksum(v2())[:-1] + b"\x00" + upgrade_request()],
    ids=["upgrade", "get", "short", "port", "x", "version", "size", "checksum"])
def test_without_a_right_header_the_connection_is_cut(proxied, first):
    with RawSocket(proxied, proxied=True) as raw:
        raw.send(first)
        assert raw.is_closed_by_broker()
    assert scrape(proxied).total("belfry_closed_total", reason="proxy_header") == 1


def test_a_header_that_never_ends_is_cut(start_broker):
    broker = start_broker(listen_proxy="127.0.0.1:0", handshake_timeout="1s")
    with RawSocket(broker, proxied=True) as raw:
        raw.send(V1[:20])
        assert raw.is_closed_by_broker()


def test_a_header_on_an_ordinary_address_is_a_bad_request(proxied):
    assert refused_status(proxied, V1) == 400


def test_only_trusted_proxies_may_send_a_header(trusting):
    assert seen_address(trusting, V1, proxied=True, source=PROXY) == "192.0.2.1"
    with RawSocket(trusting, proxied=True, source=STRANGER) as raw:
        raw.send(V1 + upgrade_request())
        assert raw.is_closed_by_broker()


def test_an_address_for_proxies_may_be_the_only_one(start_broker):
    broker = start_broker(listen="", listen_proxy="127.0.0.1:0")
    assert seen_address(broker, V1, proxied=True) == "192.0.2.1"


# ---- X-Forwarded-For and Forwarded ----

@pytest.mark.parametrize("headers, address", [
    (["X-Forwarded-For: 192.0.2.1"], "192.0.2.1"),
    (["X-Forwarded-For: 198.51.100.7, 192.0.2.1"], "192.0.2.1"),
    (["X-Forwarded-For: 192.0.2.1, 127.0.0.8"], "192.0.2.1"),
    (["X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1:80"], "192.0.2.1"),
    (["X-Forwarded-For: [2001:db8::5]:4711"], "2001:db8::5"),
    (["Forwarded: for=192.0.2.1;proto=https"], "192.0.2.1"),
    (['Forwarded: for=198.51.100.7, for="[2001:db8::5]:4711", for=127.0.0.8'], "2001:db8::5"),
    (["Forwarded: for=198.51.100.7", "X-Forwarded-For: 192.0.2.1"], "192.0.2.1"),
    (["X-Forwarded-For: unknown"], PROXY),
    (["Forwarded: for=_hidden"], PROXY),
    ([], PROXY),
])
def test_a_trusted_proxy_is_believed(trusting, headers, address):
    assert seen_address(trusting, headers=headers, source=PROXY) == address


@pytest.mark.parametrize("header", ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"])
def test_a_stranger_is_not_believed(trusting, header):
    assert seen_address(trusting, headers=[header], source=STRANGER) == STRANGER


def test_nobody_is_believed_by_default(start_broker):
    broker = start_broker(max_connections_per_ip=5)
    for header in "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1":
        assert seen_address(broker, headers=[header]) == "127.0.0.1"


@pytest.mark.parametrize("which, address", [("x-forwarded-for", PROXY),
                                            ("forwarded", "192.0.2.1")])
def test_one_header_alone_can_be_chosen(start_broker, which, address):
    broker = start_broker(trusted_proxy=PROXY, forwarded_header=which)
    assert seen_address(broker, headers=["Forwarded: for=192.0.2.1"], source=PROXY) == address


def test_a_chain_of_both(trusting):
    """A load balancer with the PROXY protocol in front of a proxy that adds a header."""
    header = b"PROXY TCP4 127.0.0.8 10.0.0.2 1 2\r\n"
    assert seen_address(trusting, header, ["X-Forwarded-For: 192.0.2.1"], proxied=True,
                        source=PROXY) == "192.0.2.1"
    assert seen_address(trusting, V1, ["X-Forwarded-For: 198.51.100.7"], proxied=True,
                        source=PROXY) == "192.0.2.1"


# ---- limits per address ----

def forwarded(address):
    return [f"X-Forwarded-For: {address}"]


@contextlib.contextmanager
def three(broker, **options):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connected(broker, **options)) for _ in range(3)]


def test_connections_per_address_are_counted_behind_a_proxy(start_broker):
    broker = start_broker(max_connections_per_ip=3, trusted_proxy=PROXY, shards=3)
    with three(broker, headers=forwarded("192.0.2.1"), source=PROXY) as raws:
        assert refused_status(broker, headers=forwarded("192.0.2.1"), source=PROXY) == 429
        with connected(broker, headers=forwarded("192.0.2.2"), source=PROXY):
            pass
        with connected(broker, source="127.0.0.5"):
            pass
        raws[1].socket.close()
        wait_until(lambda: refused_status(broker, headers=forwarded("192.0.2.1"),
                                          source=PROXY) == 101, "the place is given back")


def test_one_ipv6_client_has_the_whole_64(start_broker):
    broker = start_broker(max_connections_per_ip=3, trusted_proxy=PROXY)
    with three(broker, headers=forwarded("2001:db8:1:2::5"), source=PROXY):
        assert refused_status(broker, headers=forwarded("2001:db8:1:2:9::1"), source=PROXY) == 429
        assert refused_status(broker, headers=forwarded("2001:db8:1:3::5"), source=PROXY) == 101


def test_connections_per_address_are_counted_by_the_proxy_header(start_broker):
    broker = start_broker(max_connections_per_ip=3, listen_proxy="127.0.0.1:0")
    with three(broker, before=V1, proxied=True):
        assert refused_status(broker, v2("192.0.2.1"), proxied=True) == 429
        assert refused_status(broker, v2("192.0.2.2"), proxied=True) == 101


def test_a_spoofed_header_does_not_evade_the_limit(start_broker):
    broker = start_broker(max_connections_per_ip=3, trusted_proxy=PROXY)
    with contextlib.ExitStack() as stack:
        for number in range(3):
            stack.enter_context(connected(broker, headers=forwarded(f"192.0.2.{number}"),
                                          source=STRANGER))
        assert refused_status(broker, headers=forwarded("192.0.2.9"), source=STRANGER) == 429
    with three(broker, headers=forwarded("198.51.100.1, 192.0.2.1"), source=PROXY):
        assert refused_status(broker, headers=forwarded("198.51.100.2, 192.0.2.1"),
                              source=PROXY) == 429


def test_a_refusal_behind_a_proxy_is_told_to_clients_that_offer_belfry(start_broker):
    broker = start_broker(max_connections_per_ip=3, trusted_proxy=PROXY)
    with three(broker, headers=forwarded("192.0.2.1"), source=PROXY):
        with connected(broker, headers=[*forwarded("192.0.2.1"),
                                        "Sec-WebSocket-Protocol: belfry"], source=PROXY) as raw:
            assert raw.read_until_close()[-1].code == 1013


def test_the_proxy_itself_has_no_limit(start_broker):
    broker = start_broker(max_connections_per_ip=1, handshake_rate_per_ip=1, trusted_proxy=PROXY)
    with three(broker, source=PROXY):
        pass


def test_kept_connections_of_a_proxy_carry_many_clients(trusting):
    """Requests of different clients on one connection: each has its own header."""
    with RawSocket(trusting, source=PROXY) as raw:
        raw.send(b"GET /ws/health HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n")
        assert raw.read_http()[0].status == 200
        raw.send(upgrade_request(headers=forwarded("192.0.2.1")))
        assert raw.read_head().status == 101
        assert address_of(trusting, raw) == "192.0.2.1"
