"""Configuration: where it is read from, what is refused and in which words."""

import re

import pytest

from broker import DEFAULTS, arguments, run_to_end
from client import Client
from raw_socket import RawSocket, upgrade_request
from tokens import SECRET, token

WRONG_CONFIGURATION = 64  # EX_USAGE of sysexits.h

GOOD = arguments(DEFAULTS)


def check(*words, **more):
    return run_to_end(*words, "--check", **more)


def without(*keys):
    return arguments({key: value for key, value in DEFAULTS.items() if key not in keys})


def status_of(broker, path="/ws", **more):
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(path, **more))
        return raw.read_head().status


# ---- asking the binary ----

def test_check_accepts_what_is_right(tmp_path):
    assert check(*GOOD).returncode == 0
    file = tmp_path / "belfry.conf"
    file.write_text(f"secret_key = {SECRET}\n")
    assert run_to_end("-c", str(file), "--check").returncode == 0


def test_check_does_not_start(start_broker):
    """It can be run beside a broker that holds the same ports."""
    broker = start_broker()
    result = check(*without("listen", "admin"), "--listen", f"127.0.0.1:{broker.port}",
                   "--admin", f"127.0.0.1:{broker.admin_port}")
    assert result.returncode == 0 and "belfry ready" not in result.stdout


def test_help_names_every_key_and_its_default():
    result = run_to_end("--help")
    assert result.returncode == 0
    for key in ("listen", "admin", "redis", "stream", "shards", "auth", "secret-key", "algorithm",
                "api-key", "max-connections", "max-connections-per-user",
                "max-connections-per-ip", "heartbeat-interval", "heartbeat-timeout",
                "allow-origin", "debug-echo", "demo", "log-level", "log-format", "drain-window"):
        assert re.search(rf"--{key}\b|\b{key.replace('-', '_')}\b", result.stdout), key
    assert "127.0.0.1:8080" in result.stdout and "belfry:in" in result.stdout


def test_print_config_shows_what_holds_but_no_secret():
    result = run_to_end(*GOOD, "--max-connections", "1234", "--print-config")
    assert result.returncode == 0
    assert re.search(r"max_connections\s*=\s*1234\b", result.stdout)
    assert re.search(r"heartbeat_interval\s*=\s*30s", result.stdout)
    assert SECRET not in result.stdout + result.stderr
    assert DEFAULTS["api_key"] not in result.stdout + result.stderr


def settings_of(printed):
    """Lines `key = value` without their remarks, and without keys that are empty."""
    lines = [line.split(" #")[0].rstrip() for line in printed.splitlines()]
    return [line for line in lines if re.search(r"= *\S", line)]


def test_what_print_config_prints_can_be_read_again(tmp_path):
    words = ["--max-connections", "1234", "--allow-origin", "https://a.example",
             "--allow-origin", "https://b.example", "--heartbeat-interval", "7s"]
    first = settings_of(run_to_end(*words, "--auth", "none", "--print-config").stdout)
    file = tmp_path / "belfry.conf"
    file.write_text("\n".join(first) + "\n")
    second = run_to_end("-c", str(file), "--print-config")
    assert second.returncode == 0, second.stderr
    assert settings_of(second.stdout) == first
    assert "allow_origin = https://b.example" in first


def test_a_redis_password_is_not_printed():
    url = "redis://user:swordfish@127.0.0.1:6379/0"
    result = run_to_end(*GOOD, "--redis", url, "--print-config")
    assert result.returncode == 0 and "swordfish" not in result.stdout + result.stderr


# ---- sources and their order ----

def test_a_file_with_comments_lists_and_blanks(start_broker, tmp_path):
    file = tmp_path / "belfry.conf"
    file.write_text(f"""# a comment
secret_key = {SECRET}

   max_connections=77
heartbeat_interval =  9s
allow_origin = https://a.example
allow_origin = https://b.example
""")
    broker = start_broker(words=("-c", str(file)), secret_key=None)
    assert status_of(broker, headers=["Origin: https://b.example"]) == 101
    assert status_of(broker, headers=["Origin: https://c.example"]) == 403


async def test_the_command_line_beats_the_environment_beats_the_file(tmp_path):
    file = tmp_path / "belfry.conf"
    file.write_text("max_connections = 100\nmax_subscriptions = 10\nlog_level = warn\n")
    result = run_to_end("-c", str(file), *GOOD, "--max-connections", "300", "--print-config",
                        env={"BELFRY_MAX_CONNECTIONS": "200", "BELFRY_MAX_SUBSCRIPTIONS": "20"})
    assert result.returncode == 0, result.stderr
    assert re.search(r"max_connections\s*=\s*300\b", result.stdout)
    assert re.search(r"max_subscriptions\s*=\s*20\b", result.stdout)
    assert re.search(r"log_level\s*=\s*warn", result.stdout)


async def test_environment_variables_configure(start_broker):
    broker = start_broker(secret_key=None, env={"BELFRY_SECRET_KEY": SECRET,
                                                "BELFRY_DEBUG_ECHO": "on"})
    async with await Client.open(broker) as client:
        assert await client.is_alive()
    assert status_of(broker, "/echo", bearer=False) == 101


def test_the_names_that_other_programs_use_are_read(start_broker, redis):
    broker = start_broker(secret_key=None, env={"SECRET_KEY": SECRET, "ALGORITHM": "HS384",
                                                "REDIS_URL": redis.url()})
    assert broker.log_kind == "redis"
    assert status_of(broker, bearer=token("42", "HS384")) == 101
    assert status_of(broker, bearer=token("42", "HS256")) == 401


@pytest.mark.parametrize("name", ["BELFRY_SECRET_KEY_FILE", "SECRET_KEY_FILE"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_secret_may_come_from_a_file(start_broker, tmp_path, name, end):
    (tmp_path / "secret").write_text(SECRET + end)
    broker = start_broker(secret_key=None, env={name: str(tmp_path / "secret")})
    assert status_of(broker) == 101


def test_api_keys_may_come_from_a_file(start_broker, tmp_path):
    (tmp_path / "key").write_text("an-api-key-from-a-file\n")
    broker = start_broker(api_key=None, env={"BELFRY_API_KEY_FILE": str(tmp_path / "key")})
    answer = broker.ask_admin("/api/publish", method="POST", body='{"to":["a"],"data":1}',
                              headers={"Authorization": "Bearer an-api-key-from-a-file",
                                       "Content-Type": "application/json"})
    assert answer.status == 200


def test_a_secret_file_that_is_missing_stops_the_start(tmp_path):
    result = run_to_end(*without("secret_key"),
                        env={"BELFRY_SECRET_KEY_FILE": str(tmp_path / "nowhere")})
    assert result.returncode == WRONG_CONFIGURATION
    assert "BELFRY_SECRET_KEY_FILE" in result.stderr


def test_several_listeners(start_broker):
    broker = start_broker(listen=["127.0.0.1:0", "127.0.0.2:0"])
    assert [host for host, _ in broker.addresses] == ["127.0.0.1", "127.0.0.2"]
    for broker.host, broker.port in broker.addresses:
        assert status_of(broker) == 101


# ---- refused ----

@pytest.mark.parametrize("words, told", [
    (["--no-such-key", "1"], ["no-such-key"]),
    (["--max-connections", "many"], ["max.connections", "many"]),
    (["--max-connections", "0"], ["max.connections", "1"]),
    (["--max-connections", "-5"], ["max.connections"]),
    (["--max-connections", "99999999999999999999"], ["max.connections"]),
    (["--max-connections"], ["max.connections"]),
    (["--shards", "100000"], ["shards", "64"]),
    (["--auth", "maybe"], ["auth", "jwt", "none"]),
    (["--debug-echo", "perhaps"], ["debug.echo", "on", "off"]),
    (["--heartbeat-interval", "30 parsecs"], ["heartbeat.interval"]),
    (["--heartbeat-interval", "60s", "--heartbeat-timeout", "30s"], ["heartbeat.timeout"]),
    (["--algorithm", "none"], ["algorithm", "HS256"]),
    (["--algorithm", "HS1"], ["algorithm", "HS256"]),
    (["--listen", "127.0.0.1"], ["listen"]),
    (["--listen", "127.0.0.1:99999"], ["listen"]),
    (["--listen", "nowhere"], ["listen"]),
    (["--redis", "http://127.0.0.1"], ["redis"]),
    (["--redis", "redis://127.0.0.1:6379/x"], ["redis"]),
    (["--secret-key", "x" * 5000], ["secret.key", "4096"]),
    (["--api-key", "with blanks in it"], ["api.key"]),
    (["--allow-origin", "a.example/path"], ["allow.origin"]),
    (["--subscribe", "feed=everybody"], ["subscribe", "claim"]),
    (["surplus"], ["argument"]),
    (["-c", "/nonexistent/belfry.conf"], ["/nonexistent/belfry.conf"]),
])
def test_what_is_wrong_stops_the_start_and_is_said(words, told):
    for more in ([], ["--check"]):
        result = run_to_end(*GOOD, *words, *more)
        assert result.returncode == WRONG_CONFIGURATION
        for word in told:
            assert re.search(word, result.stderr), f"{word!r} not in {result.stderr!r}"
        assert "belfry ready" not in result.stdout
        assert SECRET not in result.stderr


@pytest.mark.parametrize("line, told", [
    ("max_conections = 5", "max_conections"), ("max_connections = five", "five"),
    ("max_connections", "key = value"), ("= 5", "key"), ("[section]", "key = value"),
    ("auth = basic", "jwt")])
def test_a_wrong_line_of_a_file_is_told_with_its_number(tmp_path, line, told):
    file = tmp_path / "belfry.conf"
    file.write_text(f"# first\nsecret_key = {SECRET}\n{line}\n")
    result = run_to_end("-c", str(file), "--check")
    assert result.returncode == WRONG_CONFIGURATION
    assert f"{file}:3" in result.stderr and told in result.stderr


def test_a_wrong_environment_variable_is_told_by_its_name():
    result = check(*GOOD, env={"BELFRY_MAX_CONNECTIONS": "many"})
    assert result.returncode == WRONG_CONFIGURATION
    assert "BELFRY_MAX_CONNECTIONS" in result.stderr


def test_without_a_key_it_does_not_start_and_says_what_is_missing():
    result = run_to_end(*without("secret_key"))
    assert result.returncode == WRONG_CONFIGURATION
    assert "secret_key" in result.stderr and "auth" in result.stderr
    assert "belfry ready" not in result.stdout


def test_a_short_secret_is_warned_about():
    result = check(*without("secret_key"), "--secret-key", "short")
    assert result.returncode in (0, WRONG_CONFIGURATION)
    assert re.search("secret.key", result.stderr) and "32" in result.stderr
    assert "short" not in result.stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", ":0"])
def test_auth_none_is_refused_where_others_can_reach_it(listen):
    result = run_to_end("--auth", "none", "--listen", listen, "--admin", "127.0.0.1:0", "--check")
    assert result.returncode == WRONG_CONFIGURATION
    assert "auth" in result.stderr and "listen" in result.stderr


def test_auth_none_is_refused_when_one_of_several_listeners_is_reachable():
    result = run_to_end("--auth", "none", "--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0",
                        "--check")
    assert result.returncode == WRONG_CONFIGURATION


def test_auth_none_may_be_forced():
    result = run_to_end("--auth", "none", "--auth-none-anywhere", "on", "--listen", "0.0.0.0:0",
                        "--check")
    assert result.returncode == 0, result.stderr


def test_a_port_that_is_taken_is_said(start_broker):
    broker = start_broker()
    for key, port in (("listen", broker.port), ("admin", broker.admin_port)):
        result = run_to_end(*without(key), f"--{key}", f"127.0.0.1:{port}")
        assert result.returncode not in (0, WRONG_CONFIGURATION)
        assert str(port) in result.stderr


# ---- logs ----

def test_log_lines_may_be_json(start_broker):
    import json
    broker = start_broker(log_format="json", log_level="debug")
    assert status_of(broker) == 101
    broker.terminate()
    assert broker.wait_for_exit() == 0
    lines = [line for line in broker.stderr if line.strip()]
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)


def test_secrets_are_in_no_log_line_at_the_most_talkative_level(start_broker, producers):
    broker = start_broker(log_level="debug", redis="redis://:swordfish@127.0.0.1:1/0")
    good = token("42")
    assert status_of(broker, bearer=good) == 101
    assert status_of(broker, "/ws?token=" + good, bearer=False) == 101
    producers(broker).post({"to": ["user:42"], "data": {"code": "918273"}})
    broker.terminate()
    assert broker.wait_for_exit() == 0
    for secret in (SECRET, DEFAULTS["api_key"], "swordfish", good.split(".")[2], "918273"):
        assert secret not in broker.output()


def test_the_ready_line_is_the_only_one_on_standard_output(start_broker):
    broker = start_broker(shards=2, log_level="debug")
    assert status_of(broker) == 101
    broker.terminate()
    assert broker.wait_for_exit() == 0
    assert broker.stdout == [f"belfry ready: listen 127.0.0.1:{broker.port} "
                             f"admin 127.0.0.1:{broker.admin_port} shards 2 log embedded\n"]


def test_many_open_files_are_asked_for_by_itself(start_broker):
    """A low soft limit of descriptors is raised to the hard one."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        broker = start_broker()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with open(f"/proc/{broker.process.pid}/limits", encoding="ascii") as limits:
        line, = (line for line in limits if line.startswith("Max open files"))
    assert line.split()[3] == str(hard)
