"""RFC 6455 to the letter, seen from outside through the debug route /echo."""

import os
import struct
import time

import pytest

from raw_socket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, close_frame,
                        frame, upgrade_request)

MEBIBYTE = 1 << 20


@pytest.fixture
def echo_broker(start_broker):
    """It waits only a moment for the answer to its close, which the tests do not give."""
    return start_broker(debug_echo="on", close_timeout="100ms")


@pytest.fixture
def echo(echo_broker):
    """An upgraded connection to /echo, which asks for no token."""
    with RawSocket(echo_broker, timeout=20) as raw:
        raw.upgrade("/echo", bearer=False)
        yield raw


def assert_echo(raw, opcode, payload):
    """What comes back has this opcode and payload, in however many frames."""
    got = raw.read_frame()
    assert got.opcode == opcode, (got.opcode, got.payload[:200])
    parts = [got.payload]
    while not got.final:
        got = raw.read_frame()
        assert got.opcode == CONTINUATION
        parts.append(got.payload)
    assert b"".join(parts) == payload


def assert_closes(raw, code, echoed=()):
    """The valid messages come back first, then a close frame with `code`, then the end."""
    for opcode, payload in echoed:
        assert_echo(raw, opcode, payload)
    got = raw.read_frame()
    assert (got.opcode, got.code) == (CLOSE, code), (got.opcode, got.payload[:100])
    assert raw.is_closed_by_broker()


def test_echo_is_not_there_without_debug_echo(broker):
    with RawSocket(broker) as raw:
        raw.send(upgrade_request("/echo"))
        assert raw.read_head().status == 404


def test_echo_sends_nothing_of_its_own(echo, echo_broker):
    answer = echo_broker.ask_admin("/api/publish", method="POST", body='{"to":["all"],"data":1}',
                                   headers={"Authorization": "Bearer " + "wrong",
                                            "Content-Type": "application/json"})
    assert answer.status == 401
    echo.send(frame(TEXT, "first"))
    assert_echo(echo, TEXT, b"first")


# ---- data ----

SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 124, 125, 126, 127, 128, 1000, 4095,
         4096, 4097, 16384, 65534, 65535, 65536, 65537, 131072]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_messages_of_all_sizes_come_back_with_their_type(echo, opcode):
    for size in SIZES:
        payload = os.urandom(size) if opcode == BINARY else b"abcdefg" * (size // 7 + 1)
        echo.send(frame(opcode, payload[:size]))
        assert_echo(echo, opcode, payload[:size])


@pytest.mark.heavy
@pytest.mark.parametrize("opcode, fragments", [(BINARY, 1), (TEXT, 1), (BINARY, 16)])
def test_sixteen_mebibytes_come_back(echo, opcode, fragments):
    payload = b"x" * (16 * MEBIBYTE) if opcode == TEXT else os.urandom(MEBIBYTE) * 16
    step = len(payload) // fragments
    for part in range(fragments):
        echo.send(frame(opcode if part == 0 else CONTINUATION,
                        payload[part * step:(part + 1) * step], final=part == fragments - 1))
    assert_echo(echo, opcode, payload)


@pytest.mark.parametrize("fragments", [1, 2])
def test_more_than_sixteen_mebibytes_close_1009(echo, fragments):
    if fragments == 1:
        echo.send(frame(BINARY, size=16 * MEBIBYTE + 1))
    else:
        echo.send(frame(BINARY, b"x", final=False) + frame(CONTINUATION, size=16 * MEBIBYTE))
    assert echo.read_frame().code == 1009


def test_65536_fragments_are_one_message(echo):
    parts = [frame(TEXT, b"a", final=False)]
    parts += [frame(CONTINUATION, b"b", final=False)] * 65534
    parts += [frame(CONTINUATION, b"c")]
    echo.send(b"".join(parts))
    assert_echo(echo, TEXT, b"a" + b"b" * 65534 + b"c")


def test_empty_fragments_are_one_empty_message(echo):
    echo.send(frame(TEXT, final=False) + frame(CONTINUATION, final=False) * 100
              + frame(CONTINUATION))
    assert_echo(echo, TEXT, b"")


def test_fragments_of_text_may_split_a_character(echo):
    raw = "κόσμε😀".encode()
    for cut in range(len(raw) + 1):
        echo.send(frame(TEXT, raw[:cut], final=False) + frame(CONTINUATION, raw[cut:]))
        assert_echo(echo, TEXT, raw)


def test_control_frames_between_fragments_are_answered_at_once(echo):
    echo.send(frame(TEXT, "one ", final=False) + frame(PING, "p1"))
    assert_echo(echo, PONG, b"p1")
    echo.send(frame(CONTINUATION, "two", final=False) + frame(PONG, "unasked") + frame(PING, "p2"))
    assert_echo(echo, PONG, b"p2")
    echo.send(frame(CONTINUATION))
    assert_echo(echo, TEXT, b"one two")


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"])
def test_every_mask_is_undone(echo, mask):
    for size in range(0, 70):
        payload = bytes(range(256))[:size]
        echo.send(frame(BINARY, payload, mask=mask))
        assert_echo(echo, BINARY, payload)


def test_thousand_messages_in_one_write_come_back_in_order(echo):
    echo.send(b"".join(frame(TEXT, str(number)) for number in range(1000)))
    for number in range(1000):
        assert_echo(echo, TEXT, str(number).encode())


def conversation():
    """A short exchange with every kind of frame, and what has to come back."""
    sent = (frame(TEXT, "hé") + frame(PING, "pp") + frame(BINARY, b"\xff\0", final=False)
            + frame(PING) + frame(CONTINUATION, b"x" * 126) + frame(TEXT, b"y" * 130)
            + frame(TEXT, "") + close_frame(1000, "bye"))
    expected = [(TEXT, "hé".encode()), (PONG, b"pp"), (PONG, b""), (BINARY, b"\xff\0" + b"x" * 126),
                (TEXT, b"y" * 130), (TEXT, b"")]
    return sent, expected


def test_frames_split_at_every_point_mean_the_same(echo_broker):
    sent, expected = conversation()
    for cut in range(0, len(sent) + 1):
        with RawSocket(echo_broker) as raw:
            raw.upgrade("/echo", bearer=False)
            raw.send(sent[:cut])
            if cut % 8 == 0:
                time.sleep(0.002)  # now and then the pieces surely are read apart
            raw.send(sent[cut:])
            assert_closes(raw, 1000, expected)


def test_frames_byte_by_byte_mean_the_same(echo):
    sent, expected = conversation()
    echo.send_in_pieces(sent)
    assert_closes(echo, 1000, expected)


def test_frames_in_the_same_packet_as_the_handshake_are_read(echo_broker):
    sent, expected = conversation()
    with RawSocket(echo_broker) as raw:
        raw.send(upgrade_request("/echo", bearer=False) + sent)
        assert raw.read_head().status == 101
        assert_closes(raw, 1000, expected)


# ---- violations ----

VIOLATIONS = {
    "not_masked": frame(TEXT, "x", masked=False),
    "rsv1": frame(TEXT, "x", rsv=4), "rsv2": frame(TEXT, "x", rsv=2),
    "rsv3": frame(TEXT, "x", rsv=1), "rsv1_on_ping": frame(PING, "x", rsv=4),
    "rsv1_on_continuation": frame(TEXT, "x", final=False) + frame(CONTINUATION, "y", rsv=4),
    **{f"opcode_{opcode}": frame(opcode, "x") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "continuation_of_nothing": frame(CONTINUATION, "x"),
    "unfinished_continuation_of_nothing": frame(CONTINUATION, "x", final=False),
    "text_inside_of_text": frame(TEXT, "x", final=False) + frame(TEXT, "y"),
    "binary_inside_of_text": frame(TEXT, "x", final=False) + frame(BINARY, "y"),
    "ping_too_long": frame(PING, "x" * 126), "pong_too_long": frame(PONG, "x" * 126),
    "close_too_long": frame(CLOSE, b"\x03\xe8" + b"x" * 124),
    "ping_in_fragments": frame(PING, "x", final=False),
    "close_in_fragments": frame(CLOSE, b"\x03\xe8", final=False),
    "close_of_one_byte": frame(CLOSE, b"\x03"),
    "size_not_minimal_16": b"\x82\xfe\x00\x05" + b"\0" * 9,
    "size_not_minimal_64": b"\x82\xff" + struct.pack("!Q", 500) + b"\0" * 504,
    "size_with_top_bit": b"\x82\xff" + struct.pack("!Q", 1 << 63) + b"\0\0\0\0",
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_closes_1002_after_valid_answers_went_out(echo, name):
    echo.send(frame(TEXT, "valid") + frame(PING, "too") + VIOLATIONS[name])
    codes = (1002, 1009) if name == "size_with_top_bit" else (1002,)
    assert_echo(echo, TEXT, b"valid")
    assert_echo(echo, PONG, b"too")
    close = echo.read_frame()
    assert close.opcode == CLOSE and close.code in codes
    assert echo.is_closed_by_broker()


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_byte_by_byte_closes_1002(echo, name):
    try:
        echo.send_in_pieces(VIOLATIONS[name][:40])
    except ConnectionError:
        pass
    close = echo.read_frame()
    assert close.opcode == CLOSE and close.code in (1002, 1009)


def test_nothing_after_a_violation_is_answered(echo):
    echo.send(VIOLATIONS["rsv1"] + frame(TEXT, "after") + frame(PING, "after"))
    assert_closes(echo, 1002)


# ---- UTF-8 ----

INVALID_UTF8 = {
    "lone_continuation": b"\x80", "overlong_2": b"\xc0\xaf", "overlong_3": b"\xe0\x80\xaf",
    "overlong_4": b"\xf0\x80\x80\xaf", "surrogate_low": b"\xed\xa0\x80",
    "surrogate_high": b"\xed\xbf\xbf", "above_range": b"\xf4\x90\x80\x80", "fe": b"\xfe",
    "ff": b"\xff", "f5": b"\xf5\x80\x80\x80", "cut_off": b"\xe2\x82",
    "cut_off_4": b"\xf0\x9f\x98", "bad_second": b"\xe2\x28\xa1", "late": b"x" * 5000 + b"\xc3\x28",
}


@pytest.mark.parametrize("name", INVALID_UTF8)
def test_text_that_is_not_utf8_closes_1007(echo, name):
    echo.send(frame(TEXT, "valid") + frame(TEXT, INVALID_UTF8[name]))
    assert_closes(echo, 1007, [(TEXT, b"valid")])


@pytest.mark.parametrize("name", INVALID_UTF8)
def test_the_same_bytes_are_fine_as_binary(echo, name):
    echo.send(frame(BINARY, INVALID_UTF8[name]))
    assert_echo(echo, BINARY, INVALID_UTF8[name])


def test_bad_utf8_is_refused_when_it_arrives_not_at_the_end(echo):
    """The frame announces more than what is sent; the answer does not wait for the rest."""
    echo.send(frame(TEXT, b"good \xff", size=1000))
    assert_closes(echo, 1007)


def test_bad_utf8_in_a_fragment_is_refused_before_the_message_ends(echo):
    echo.send(frame(TEXT, b"good ", final=False) + frame(CONTINUATION, b"\xed\xa0", final=False))
    assert_closes(echo, 1007)


def test_a_message_may_not_end_inside_of_a_character(echo):
    echo.send(frame(TEXT, b"\xf0\x9f", final=False) + frame(CONTINUATION, b"\x98"))
    assert_closes(echo, 1007)


@pytest.mark.parametrize("text", ["\u0000", "\u007f\u0080\u07ff\u0800", "\ufffd\uffff\ufffe",
                                  "\ud7ff\ue000", "\U00010000\U0010ffff", "é" * 3000])
def test_every_valid_character_is_taken(echo, text):
    echo.send_in_pieces(frame(TEXT, text), 5)
    assert_echo(echo, TEXT, text.encode())


def test_the_reason_of_a_close_must_be_utf8(echo):
    echo.send(frame(CLOSE, b"\x03\xe8\xff\xfe"))
    assert_closes(echo, 1007)


# ---- closing ----

@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                                  1014, 3000, 3999, 4000, 4999])
def test_a_close_is_echoed_with_its_code(echo, code):
    echo.send(close_frame(code, "reason"))
    assert_closes(echo, code)


def test_a_close_without_a_code_is_echoed_without_a_code(echo):
    echo.send(close_frame())
    got = echo.read_frame()
    assert got.opcode == CLOSE and got.payload in (b"", b"\x03\xe8")
    assert echo.is_closed_by_broker()


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
                                  65535])
def test_a_code_that_may_not_be_sent_is_a_violation(echo, code):
    echo.send(close_frame(code))
    assert_closes(echo, 1002)


def test_nothing_after_a_close_is_answered(echo):
    echo.send(frame(TEXT, "before") + close_frame(1000) + frame(TEXT, "after") + frame(PING))
    assert_closes(echo, 1000, [(TEXT, b"before")])


def test_a_close_between_fragments_is_answered(echo):
    echo.send(frame(TEXT, "never finished", final=False) + close_frame(1000))
    assert_closes(echo, 1000)


def test_a_client_that_closes_its_side_of_tcp_is_let_go(echo_broker):
    with RawSocket(echo_broker) as raw:
        raw.upgrade("/echo", bearer=False)
        raw.socket.shutdown(1)
        try:
            while raw.socket.recv(4096):
                pass
        except ConnectionResetError:
            pass


@pytest.mark.heavy
def test_echo_to_a_reader_that_takes_its_time_loses_nothing(echo_broker):
    """More than socket buffers hold goes in before anything is read."""
    with RawSocket(echo_broker, receive_buffer=8192, timeout=20) as raw:
        raw.upgrade("/echo", bearer=False)
        payloads = [os.urandom(50000) for _ in range(40)]
        raw.send(b"".join(frame(BINARY, payload) for payload in payloads[:4]))
        time.sleep(0.5)
        for payload in payloads[:4]:
            assert_echo(raw, BINARY, payload)
        for payload in payloads[4:]:
            raw.send(frame(BINARY, payload))
            assert_echo(raw, BINARY, payload)
