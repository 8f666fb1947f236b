"""Where io_uring is refused the broker says what refuses it and what to do, and exits with 78."""

import ctypes
import struct
import subprocess

import pytest

from broker import BINARY, environment
from tokens import SECRET

IO_URING_SETUP = 425  # the same number on x86-64 and aarch64
EPERM, ENOSYS = 1, 38
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
RETURN_ERRNO, RETURN_ALLOW = 0x00050000, 0x7FFF0000


class Program(ctypes.Structure):
    """struct sock_fprog"""
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def refuse_io_uring(error):
    """A seccomp filter as container runtimes install it: io_uring_setup fails, all else works."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in (
        (0x20, 0, 0, 0),                      # load the number of the system call
        (0x15, 0, 1, IO_URING_SETUP),         # is it this one?
        (0x06, 0, 0, RETURN_ERRNO | error),
        (0x06, 0, 0, RETURN_ALLOW)))
    text = ctypes.create_string_buffer(code, len(code))
    program = Program(4, ctypes.cast(text, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)

    def install():
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no seccomp")
    install.kept = text
    return install


@pytest.mark.parametrize("error", [EPERM, ENOSYS])
def test_a_seccomp_filter_is_named_and_the_exit_code_is_78(error):
    words = [BINARY, "--listen", "127.0.0.1:0", "--admin", "off", "--secret-key", SECRET]
    ended = subprocess.run(words, preexec_fn=refuse_io_uring(error), capture_output=True,
                           env=environment(), text=True, timeout=20, check=False)
    assert ended.returncode == 78, ended
    lines = [line for line in ended.stderr.splitlines() if line.startswith("belfry: ")]
    assert len(lines) == 1, ended.stderr
    assert "seccomp" in lines[0] and "io_uring_setup" in lines[0]
    assert "ready" not in ended.stdout
