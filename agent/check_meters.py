"""What can be wrong with a meter once its profile is known: names, classes, certificates, declared registers.

In: a parsed configuration, its meters with their profiles, today's date; None if the clock is false, for then no date
can be judged. Out: `key.path: problem: hint` lines. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction

from agent import config
from agent.aggregation.handover import is_same
from agent.aggregation.limits import CT_CLASSES, METER_CLASSES, VT_CLASSES
from agent.drivers.profile import RATIOED, Point, positive
from agent.manifest import MeterPlan
from contract.problems import suggest


def faults(
    checked: config.Config, meters: Mapping[str, MeterPlan], today: date | None, *, certified: bool = True
) -> Iterator[str]:
    """Everything that is wrong with any meter; whether its certificate is valid today only where that is asked for."""
    buses = [str(table.get("name")) for table in checked.bus]
    for meter in checked.meter:
        at = f"meter.{meter.name}"
        if meter.bus not in buses:
            yield f"{at}.bus: there is no bus {meter.bus!r}: {suggest(meter.bus, buses)}"
        yield from _classes(at, meter, today)
        if meter.certificate is not None:
            yield from _certificate(f"{at}.certificate", meter.certificate, today if certified else None)
            yield from _certificate_serial(f"{at}.certificate", meter)
            yield from _points(f"{at}.certificate", meter.certificate, meter.rated_w)
        if meter.name in meters:
            yield from _declared(at, meter, meters[meter.name])
            yield from _ratios(at, meter, meters[meter.name])
            yield from _handovers(at, meter, meters[meter.name], today)


def _classes(at: str, meter: config.Meter, today: date | None) -> Iterator[str]:
    if meter.accuracy_class is not None and meter.accuracy_class not in METER_CLASSES:
        yield f"{at}.accuracy_class: {meter.accuracy_class!r} is not known: use one of {', '.join(METER_CLASSES)}"
    for kind, transformer, known in (("ct", meter.ct, CT_CLASSES), ("pt", meter.pt, VT_CLASSES)):
        name = None if transformer is None else transformer.accuracy_class
        if name is not None and name not in known:
            yield f"{at}.{kind}.accuracy_class: {name!r} is not known: use one of {', '.join(known)}"
        since = None if transformer is None else transformer.valid_from
        if since is not None and today is not None and since > today:
            yield f"{at}.{kind}.valid_from: not in place before {since}: enter the transformer that is in place now"


def _ratios(at: str, meter: config.Meter, plan: MeterPlan) -> Iterator[str]:
    """A transformer's ratio is applied once: by the meter, or else here."""
    sides = {point.ratio_side for point in plan.profile.measured if point.quantity.startswith(RATIOED)}
    for kind, transformer in (("ct", meter.ct), ("pt", meter.pt)):
        if transformer is None:
            continue
        one_to_one = transformer.primary == transformer.secondary
        if sides == {"primary"} and not one_to_one:
            yield (
                f"{at}.{kind}: the registers of {meter.profile} are primary values, the meter applies the ratio itself:"
                f" remove {kind}, or state its class alone with primary = 1, secondary = 1"
            )
        if sides == {"secondary"} and one_to_one and transformer.accuracy_class is not None:
            yield (
                f"{at}.{kind}: a class but no ratio, and the registers of {meter.profile} are secondary values:"
                " give primary and secondary as on its plate"
            )


def _certificate(at: str, certificate: config.Certificate, today: date | None) -> Iterator[str]:
    if certificate.valid_to < certificate.valid_from:
        yield f"{at}.valid_to: is before valid_from: correct one of them"
    elif today is None:
        return
    elif certificate.valid_to < today:
        yield f"{at}.valid_to: expired on {certificate.valid_to}: verify the meter and enter the new certificate"
    elif certificate.valid_from > today:
        yield f"{at}.valid_from: not valid before {certificate.valid_from}: enter the certificate that is valid now"


def _certificate_serial(at: str, meter: config.Meter) -> Iterator[str]:
    named = None if meter.certificate is None else meter.certificate.serial
    if named and meter.serial and named != meter.serial:
        yield f"{at}.serial: {named!r} is not this meter's, {meter.serial!r}: enter this meter's certificate"


def _points(at: str, certificate: config.Certificate, rated_w: int | None) -> Iterator[str]:
    """Error points belong to a load, and what the meter has drifted since belongs to them."""
    points = certificate.points
    if points and rated_w is None:
        yield f"{at}.points: no load is known without the meter's rated_w: give its power at rated current"
    if points and certificate.drift_ppm is None:
        yield f"{at}.drift_ppm: is not given: say how far the errors may have moved since, 0 if not at all"
    if certificate.drift_ppm is not None and not points:
        yield f"{at}.drift_ppm: belongs to points, and there are none: enter them or remove it"
    if len({(point.load_permille, point.power_factor_milli) for point in points}) < len(points):
        yield f"{at}.points: a load and power factor stands twice: keep the one on the certificate"


def _declared(at: str, meter: config.Meter, plan: MeterPlan) -> Iterator[str]:
    """A declared step or age is for a counter, and a step is a decimal number."""
    kinds = {point.id: point.kind for point in plan.profile.points}
    for point, declared in meter.declared.items():
        if kinds.get(point) == "gauge":
            yield f"{at}.declared.{point}: is not a counter: only a counter has a step and an age, remove it"
        if declared.step is not None and not _is_positive(declared.step):
            yield f'{at}.declared.{point}.step: {declared.step!r} is no step: write a decimal number such as "0.01"'


def _handovers(at: str, meter: config.Meter, plan: MeterPlan, today: date | None) -> Iterator[str]:
    """Hand-over readings are of a counter of an instrument that is told from the one before."""
    told = bool(meter.serial) or any(point.identity == "serial" for point in plan.profile.identifying)
    if meter.handover and not told:
        yield f"{at}.serial: is not given: without it nothing tells this instrument from the one before: enter it"
    known = {point.id: point for point in plan.profile.points if point.kind == "counter" and point.type != "text"}
    for name, over in meter.handover.items():
        key = f"{at}.handover.{name}"
        if name not in known:
            yield f"{key}: is not a counter that is read: {suggest(name, known)}"
            continue
        if is_same(over.serial_before, meter.serial):
            yield f"{key}.serial_before: is this meter's own serial: give that of the instrument before"
        if today is not None and datetime.fromisoformat(over.at).astimezone(UTC).date() > today:
            yield f"{key}.at: has not come yet: enter the exchange when it is done"
        yield from _noted(key, known[name], over)


def _noted(key: str, point: Point, over: config.Handover) -> Iterator[str]:
    for field in ("before", "after"):
        text = getattr(over, field)
        if Fraction(text) < 0 and not point.quantity.endswith("_net"):
            yield f"{key}.{field}: is below zero, and {point.id} never is: write it as the display showed it"
        if point.limit is not None and Fraction(text) >= Fraction(point.limit):
            yield (
                f"{key}.{field}: {text} {point.unit}, and the register of {point.id} starts again at {point.limit}:"
                f" write it in {point.unit}"
            )


def _is_positive(text: str) -> bool:
    try:
        positive(text)
    except ValueError:
        return False
    return True
