"""Enthalpy of water and steam by the IAPWS Industrial Formulation 1997, the same digits on every machine.

In: pressure in MPa and temperature in K. Out: specific enthalpy in J/kg, or where water boils. Pure. Source: IAPWS
R7-97(2012), "Revised Release on the IAPWS Industrial Formulation 1997": equations 5 (boundary of regions 2 and 3), 7
(region 1), 16 and 17 (region 2), 30 and 31 (region 4), with the coefficients of its tables 1, 2, 10, 11 and 34.

Evaluated in decimal arithmetic of 40 digits by addition, multiplication, division and square root alone, each of which
is rounded correctly (IEEE 754-2008), so no result depends on a processor or a mathematical library. What falls outside
a region is the caller's to refuse (steam.py).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext

CONTEXT = Context(
    prec=40, rounding=ROUND_HALF_EVEN, Emin=-9999, Emax=9999, traps=[DivisionByZero, InvalidOperation, Overflow]
)
R = "461.526"  # J/(kg K), equation 1
# fmt: off
REGION_1 = (  # I, J, n: table 2
    (0, -2, "0.14632971213167"), (0, -1, "-0.84548187169114"), (0, 0, "-3.7563603672040"), (0, 1, "3.3855169168385"),
    (0, 2, "-0.95791963387872"), (0, 3, "0.15772038513228"), (0, 4, "-0.016616417199501"),
    (0, 5, "0.00081214629983568"), (1, -9, "0.00028319080123804"), (1, -7, "-0.00060706301565874"),
    (1, -1, "-0.018990068218419"), (1, 0, "-0.032529748770505"), (1, 1, "-0.021841717175414"),
    (1, 3, "-0.000052838357969930"), (2, -3, "-0.00047184321073267"), (2, 0, "-0.00030001780793026"),
    (2, 1, "0.000047661393906987"), (2, 3, "-4.4141845330846E-6"), (2, 17, "-7.2694996297594E-16"),
    (3, -4, "-0.000031679644845054"), (3, 0, "-2.8270797985312E-6"), (3, 6, "-8.5205128120103E-10"),
    (4, -5, "-0.0000022425281908000"), (4, -2, "-6.5171222895601E-7"), (4, 10, "-1.4341729937924E-13"),
    (5, -8, "-4.0516996860117E-7"), (8, -11, "-1.2734301741641E-9"), (8, -6, "-1.7424871230634E-10"),
    (21, -29, "-6.8762131295531E-19"), (23, -31, "1.4478307828521E-20"), (29, -38, "2.6335781662795E-23"),
    (30, -39, "-1.1947622640071E-23"), (31, -40, "1.8228094581404E-24"), (32, -41, "-9.3537087292458E-26"),
)
REGION_2_IDEAL = (  # J, n: table 10
    (0, "-9.6927686500217"), (1, "10.086655968018"), (-5, "-0.0056087911283020"), (-4, "0.071452738081455"),
    (-3, "-0.40710498223928"), (-2, "1.4240819171444"), (-1, "-4.3839511319450"), (2, "-0.28408632460772"),
    (3, "0.021268463753307"),
)
REGION_2 = (  # I, J, n: table 11
    (1, 0, "-0.0017731742473213"), (1, 1, "-0.017834862292358"), (1, 2, "-0.045996013696365"),
    (1, 3, "-0.057581259083432"), (1, 6, "-0.050325278727930"), (2, 1, "-0.000033032641670203"),
    (2, 2, "-0.00018948987516315"), (2, 4, "-0.0039392777243355"), (2, 7, "-0.043797295650573"),
    (2, 36, "-0.000026674547914087"), (3, 0, "2.0481737692309E-8"), (3, 1, "4.3870667284435E-7"),
    (3, 3, "-0.000032277677238570"), (3, 6, "-0.0015033924542148"), (3, 35, "-0.040668253562649"),
    (4, 1, "-7.8847309559367E-10"), (4, 2, "1.2790717852285E-8"), (4, 3, "4.8225372718507E-7"),
    (5, 7, "2.2922076337661E-6"), (6, 3, "-1.6714766451061E-11"), (6, 16, "-0.0021171472321355"),
    (6, 35, "-23.895741934104"), (7, 0, "-5.9059564324270E-18"), (7, 11, "-1.2621808899101E-6"),
    (7, 25, "-0.038946842435739"), (8, 8, "1.1256211360459E-11"), (8, 36, "-8.2311340897998"),
    (9, 13, "1.9809712802088E-8"), (10, 4, "1.0406965210174E-19"), (10, 10, "-1.0234747095929E-13"),
    (10, 14, "-1.0018179379511E-9"), (16, 29, "-8.0882908646985E-11"), (16, 50, "0.10693031879409"),
    (18, 57, "-0.33662250574171"), (20, 20, "8.9185845355421E-25"), (20, 35, "3.0629316876232E-13"),
    (20, 48, "-4.2002467698208E-6"), (21, 21, "-5.9056029685639E-26"), (22, 53, "3.7826947613457E-6"),
    (23, 39, "-1.2768608934681E-15"), (24, 26, "7.3087610595061E-29"), (24, 40, "5.5414715350778E-17"),
    (24, 58, "-9.4369707241210E-7"),
)
REGION_4 = (  # n1 to n10: table 34
    "1167.0521452767", "-724213.16703206", "-17.073846940092", "12020.824702470", "-3232555.0322333",
    "14.915108613530", "-4823.2657361591", "405113.40542057", "-0.23855557567849", "650.17534844798",
)
BOUNDARY_23 = ("348.05185628969", "-1.1671859879975", "0.0010192970039326")  # n1 to n3: table 1
# fmt: on
_Term = tuple[int, int, Decimal]
_1: tuple[_Term, ...] = tuple((i, j, Decimal(n)) for i, j, n in REGION_1)
_2: tuple[_Term, ...] = tuple((i, j, Decimal(n)) for i, j, n in REGION_2)
_2_IDEAL = tuple((j, Decimal(n)) for j, n in REGION_2_IDEAL)
_4 = tuple(map(Decimal, REGION_4))
_23 = tuple(map(Decimal, BOUNDARY_23))


def enthalpy_1(pressure_mpa: Decimal, temperature_k: Decimal) -> Decimal:
    """Liquid water, J/kg: h = R T* dgamma/dtau of equation 7, with p* = 16.53 MPa and T* = 1386 K."""
    with localcontext(CONTEXT):
        pi, tau = pressure_mpa / Decimal("16.53"), 1386 / temperature_k
        return Decimal(R) * 1386 * _slope(_1, Decimal("7.1") - pi, tau - Decimal("1.222"))


def enthalpy_2(pressure_mpa: Decimal, temperature_k: Decimal) -> Decimal:
    """Steam, J/kg: h = R T* (dgamma0/dtau + dgammar/dtau) of equations 16 and 17, with p* = 1 MPa and T* = 540 K."""
    with localcontext(CONTEXT):
        tau = 540 / temperature_k
        powers = _powers(tau, -6, 2)
        ideal = sum((n * j * powers[j - 1] for j, n in _2_IDEAL if j), Decimal(0))
        return Decimal(R) * 540 * (ideal + _slope(_2, pressure_mpa, tau - Decimal("0.5")))


def boils_at_mpa(temperature_k: Decimal) -> Decimal:
    """Saturation pressure, equation 30; 273.15 K to 647.096 K."""
    n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _4
    with localcontext(CONTEXT):
        theta = temperature_k + n9 / (temperature_k - n10)
        a = theta * theta + n1 * theta + n2
        b = n3 * theta * theta + n4 * theta + n5
        c = n6 * theta * theta + n7 * theta + n8
        root = 2 * c / ((b * b - 4 * a * c).sqrt() - b)
        return root * root * root * root


def boils_at_k(pressure_mpa: Decimal) -> Decimal:
    """Saturation temperature, equation 31; 611.213 Pa to 22.064 MPa."""
    n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _4
    with localcontext(CONTEXT):
        beta = pressure_mpa.sqrt().sqrt()
        e = beta * beta + n3 * beta + n6
        f = n1 * beta * beta + n4 * beta + n7
        g = n2 * beta * beta + n5 * beta + n8
        d = 2 * g / (-f - (f * f - 4 * e * g).sqrt())
        return (n10 + d - ((n10 + d) * (n10 + d) - 4 * (n9 + n10 * d)).sqrt()) / 2


def boundary_23_mpa(temperature_k: Decimal) -> Decimal:
    """The pressure up to which region 2 reaches from 623.15 K to 863.15 K, equation 5."""
    n1, n2, n3 = _23
    with localcontext(CONTEXT):
        return n1 + n2 * temperature_k + n3 * temperature_k * temperature_k


def _slope(terms: Sequence[_Term], first: Decimal, second: Decimal) -> Decimal:
    """Sum of n first^I J second^(J - 1): the derivative of the terms by tau."""
    firsts = _powers(first, 0, max(i for i, _, _ in terms))
    seconds = _powers(second, min(j for _, j, _ in terms) - 1, max(j for _, j, _ in terms))
    return sum((n * firsts[i] * j * seconds[j - 1] for i, j, n in terms if j), Decimal(0))


def _powers(number: Decimal, lowest: int, highest: int) -> dict[int, Decimal]:
    """number^lowest to number^highest, by multiplication alone."""
    found = {0: Decimal(1)}
    for exponent in range(1, highest + 1):
        found[exponent] = found[exponent - 1] * number
    if lowest < 0:
        inverse = 1 / number
        for exponent in range(-1, lowest - 1, -1):
            found[exponent] = found[exponent + 1] * inverse
    return found
