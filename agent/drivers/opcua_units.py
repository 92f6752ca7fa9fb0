"""Whether a server's EngineeringUnits say the same as a profile: no factor of a thousand goes unseen.

In: a point of a profile, and the EUInformation of its node. Out: the unit in which the server says it counts, if that
is another than the profile's. Pure. What the server says in no word that is known here is no contradiction.
"""

from agent.drivers.profile import Point

UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"

# unit as profiles write it -> (what it measures, decimal exponent, UN/ECE Recommendation 20 common code or "")
UNITS: dict[str, tuple[str, int, str]] = {
    "Wh": ("energy", 0, "WHR"),
    "kWh": ("energy", 3, "KWH"),
    "MWh": ("energy", 6, "MWH"),
    "GWh": ("energy", 9, "GWH"),
    "W": ("power", 0, "WTT"),
    "kW": ("power", 3, "KWT"),
    "MW": ("power", 6, "MAW"),
    "L": ("volume", 0, "LTR"),
    "m3": ("volume", 3, "MTQ"),
    "g": ("mass", 0, "GRM"),
    "kg": ("mass", 3, "KGM"),
    "t": ("mass", 6, "TNE"),
    "1": ("number", 0, "C62"),
    "piece": ("number", 0, "H87"),
    "%": ("percentage", 0, "P1"),
    "V": ("voltage", 0, "VLT"),
    "kV": ("voltage", 3, "KVT"),
    "A": ("current", 0, "AMP"),
    "mA": ("current", -3, "4K"),
    "Hz": ("frequency", 0, "HTZ"),
    "VA": ("apparent power", 0, "D46"),
    "kVA": ("apparent power", 3, "KVA"),
    "VAh": ("apparent energy", 0, ""),
    "kVAh": ("apparent energy", 3, "C79"),
    "var": ("reactive power", 0, "D44"),
    "kvar": ("reactive power", 3, "KVR"),
    "varh": ("reactive energy", 0, ""),
    "kvarh": ("reactive energy", 3, "K3"),
    "J": ("heat", 0, "JOU"),
    "kJ": ("heat", 3, "KJO"),
    "MJ": ("heat", 6, "3B"),
    "GJ": ("heat", 9, "GV"),
    "GJ/h": ("heat rate", 0, ""),
    "m3/h": ("volume rate", 0, "MQH"),
    "L/min": ("litres a minute", 0, "L2"),
    "kg/h": ("mass rate", 0, "E93"),
    "t/h": ("mass rate", 3, "E18"),
    "bar": ("pressure", 0, "BAR"),
    "mbar": ("pressure", -3, "MBR"),
    "Pa": ("pressure", -5, "PAL"),
    "kPa": ("pressure", -2, "KPA"),
    "MPa": ("pressure", 1, "MPA"),
    "degC": ("celsius", 0, "CEL"),
    "K": ("kelvin", 0, "KEL"),
}
_SYMBOLS = str.maketrans({"·": "", "⋅": "", ".": "", "*": "", " ": "", "³": "3", "°": "deg", "℃": "degC", "l": "L"})
# how else servers write them, once points, blanks and raised figures are gone
_ALIASES = {"kWhr": "kWh", "Whr": "Wh", "VAR": "var", "kVAR": "kvar", "kVAr": "kvar", "VAr": "var", "VArh": "varh",
            "kVArh": "kvarh", "VARh": "varh", "kVARh": "kvarh", "cbm": "m3", "degCeLsius": "degC",
            "pcs": "piece"}  # fmt: skip


def unit_id(code: str) -> int:
    """EUInformation's unitId of a UN/ECE common code: its characters as a big-endian number (OPC 10000-8, 5.6.4.3)."""
    return int.from_bytes(code.encode("ascii"), "big")


_BY_ID = {unit_id(code): unit for unit, (_, _, code) in UNITS.items() if code}


def told(namespace: str | None, number: int | None, name: str | None) -> str | None:
    """The unit of an EUInformation as profiles write it; None if it names none that is known."""
    if number in _BY_ID and namespace in {UNECE, "", None}:
        return _BY_ID[number]
    plain = (name or "").strip().translate(_SYMBOLS)
    plain = _ALIASES.get(plain, plain)
    return plain if plain in UNITS and plain != "1" else None


def disagrees(point: Point, unit: str) -> bool:
    """Whether a number in `unit` is not what the profile makes of it: number x 10^scale in the point's own unit."""
    here, there = UNITS.get(point.unit), UNITS[unit]
    return here is not None and (here[0] != there[0] or here[1] + point.scale != there[1])
