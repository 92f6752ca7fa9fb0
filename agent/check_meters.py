"""What can be wrong with a meter once its profile is known: names, classes, certificates, declared registers.

In: a parsed configuration, its meters with their profiles, today's date. Out: `key.path: problem: hint` lines. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from agent import config
from agent.aggregation.limits import CT_CLASSES, METER_CLASSES
from agent.drivers.profile import positive
from agent.manifest import MeterPlan
from contract.problems import suggest


def faults(checked: config.Config, meters: Mapping[str, MeterPlan], today: date) -> Iterator[str]:
    """Everything that is wrong with any meter."""
    buses = [str(table.get("name")) for table in checked.bus]
    for meter in checked.meter:
        at = f"meter.{meter.name}"
        if meter.bus not in buses:
            yield f"{at}.bus: there is no bus {meter.bus!r}: {suggest(meter.bus, buses)}"
        yield from _classes(at, meter)
        if meter.certificate is not None:
            yield from _certificate(f"{at}.certificate", meter.certificate, today)
        if meter.name in meters:
            yield from _declared(at, meter, meters[meter.name])


def _classes(at: str, meter: config.Meter) -> Iterator[str]:
    if meter.accuracy_class is not None and meter.accuracy_class not in METER_CLASSES:
        yield f"{at}.accuracy_class: {meter.accuracy_class!r} is not known: use one of {', '.join(METER_CLASSES)}"
    for kind, transformer in (("ct", meter.ct), ("pt", meter.pt)):
        name = None if transformer is None else transformer.accuracy_class
        if name is not None and name not in CT_CLASSES:
            yield f"{at}.{kind}.accuracy_class: {name!r} is not known: use one of {', '.join(CT_CLASSES)}"


def _certificate(at: str, certificate: config.Certificate, today: date) -> Iterator[str]:
    if certificate.valid_to < certificate.valid_from:
        yield f"{at}.valid_to: is before valid_from: correct one of them"
    elif certificate.valid_to < today:
        yield f"{at}.valid_to: expired on {certificate.valid_to}: verify the meter and enter the new certificate"
    elif certificate.valid_from > today:
        yield f"{at}.valid_from: not valid before {certificate.valid_from}: enter the certificate that is valid now"


def _declared(at: str, meter: config.Meter, plan: MeterPlan) -> Iterator[str]:
    """A declared step or age is for a counter, and a step is a decimal number."""
    kinds = {point.id: point.kind for point in plan.profile.points}
    for point, declared in meter.declared.items():
        if kinds.get(point) == "gauge":
            yield f"{at}.declared.{point}: is not a counter: only a counter has a step and an age, remove it"
        if declared.step is not None and not _is_positive(declared.step):
            yield f'{at}.declared.{point}.step: {declared.step!r} is no step: write a decimal number such as "0.01"'


def _is_positive(text: str) -> bool:
    try:
        positive(text)
    except ValueError:
        return False
    return True
