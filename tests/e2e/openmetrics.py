"""Reads the OpenMetrics text format strictly enough to notice what a scraper would refuse."""

import re

_SAMPLE = re.compile(r'^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>[^}]*)\})? '
                     r'(?P<value>[-+0-9.eEInfNa]+)$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_SUFFIXES = {"counter": {"_total", "_created"}, "gauge": {""}, "unknown": {""}, "info": {"_info"},
             "histogram": {"_bucket", "_sum", "_count", "_created"},
             "summary": {"", "_sum", "_count", "_created"}}


class Metrics:
    def __init__(self, text):
        assert text.endswith("# EOF\n"), "the text has to end with # EOF"
        self.types, self.samples = {}, {}
        family = None
        for line in text.splitlines()[:-1]:
            assert line, "no empty lines"
            if line.startswith("# "):
                family = self._declare(line)
            else:
                self._take(line, family)

    def _declare(self, line):
        _, word, name, *rest = line.split(" ", 3)
        assert word in ("TYPE", "HELP", "UNIT"), line
        if word == "TYPE":
            assert name not in self.types, f"declared twice: {name}"
            self.types[name] = rest[0]
        return name

    def _take(self, line, family):
        sample = _SAMPLE.match(line)
        assert sample, f"not a sample: {line!r}"
        name = sample["name"]
        assert family is not None and name.startswith(family), f"outside of its family: {line}"
        assert name[len(family):] in _SUFFIXES[self.types[family]], f"wrong suffix: {line}"
        labels = tuple(sorted(_LABEL.findall(sample["labels"] or "")))
        assert (name, labels) not in self.samples, f"twice: {line}"
        self.samples[name, labels] = float(sample["value"])

    def names(self):
        return {name for name, _ in self.samples}

    def labels(self, name):
        """The label sets of a sample name, as dictionaries."""
        return [dict(labels) for known, labels in self.samples if known == name]

    def total(self, name, **labels):
        """Sum over all samples of this name that have these labels."""
        wanted = {(key, str(value)) for key, value in labels.items()}
        found = [value for (known, have), value in self.samples.items()
                 if known == name and wanted <= set(have)]
        assert found, f"no sample {name} with {labels}; there are {sorted(self.names())}"
        return sum(found)


def scrape(broker):
    answer = broker.ask_admin("/metrics")
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/openmetrics-text"), answer
    return Metrics(answer.body.decode())
