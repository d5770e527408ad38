"""Writes tests/rational_cases.txt, the cases of test_rational.c, with Python's fractions; --check compares.

A line: operation, operands (hexadecimal p/q), result (hexadecimal, a whole number, text, or `no`: does not fit).
"""
import math
import random
import sys
from fractions import Fraction
from pathlib import Path

LIMIT = 1 << 1024


def hexed(value):
    sign = '-' if value < 0 else ''
    return f'{sign}{abs(value.numerator):x}/{value.denominator:x}'


def fits(value):
    return abs(value.numerator) < LIMIT and value.denominator < LIMIT


def number(rng):
    size = rng.choice((0, 8, 40, 63, 64, 65, 127, 128, 200, 511, 512, 900, 1024))
    shape = rng.randrange(5)
    if shape == 0:
        return Fraction(rng.getrandbits(min(size, 120)), 10 ** rng.choice((0, 2, 8, 12, 24, 40)))
    if shape == 1:
        return Fraction(rng.getrandbits(size), 1 << rng.randrange(1024))
    if shape == 2:
        return Fraction(1 << rng.randrange(1024), 5 ** rng.randrange(441))
    return Fraction(rng.getrandbits(size), max(1, rng.getrandbits(rng.choice((1, 8, 33, 64, 128, size)))))


def operand(rng):
    value = number(rng)
    return -value if rng.random() < 0.4 else value


def text(value):
    sign, value, q = '-' if value < 0 else '', abs(value), value.denominator
    twos = fives = 0
    while q % 2 == 0:
        q, twos = q // 2, twos + 1
    while q % 5 == 0:
        q, fives = q // 5, fives + 1
    if q > 1:
        return f'{sign}{value.numerator}/{value.denominator}'
    places = max(twos, fives)
    digits = str(value.numerator * 10 ** places // value.denominator).rjust(places + 1, '0')
    return sign + (digits[:-places] + '.' + digits[-places:] if places else digits)


def rounded(value, how):
    whole = math.floor(abs(value))
    rest = abs(value) - whole
    up = {'half_up': rest * 2 >= 1, 'up': rest > 0, 'down': False,
          'half_even': rest * 2 > 1 or (rest * 2 == 1 and whole % 2 == 1)}[how]
    return (whole + up) * (-1 if value < 0 else 1)


def whole(value):
    return str(value) if -2 ** 63 <= value < 2 ** 63 else 'no'


def cases():
    rng = random.Random(6)
    pairs = [(operand(rng), operand(rng)) for _ in range(70)]
    pairs += [(a, -a) for a, _ in pairs[:6]] + [(a, a) for a, _ in pairs[:6]]
    pairs += [(a, Fraction(rng.randrange(-9, 9), a.denominator)) for a, _ in pairs[:20]]
    for a, b in pairs:
        for name, do in (('add', lambda: a + b), ('subtract', lambda: a - b), ('multiply', lambda: a * b),
                         ('divide', lambda: a / b)):
            if name != 'divide' or b:
                result = do()
                yield name, hexed(a), hexed(b), hexed(result) if fits(result) else 'no'
        yield 'compare', hexed(a), hexed(b), str((a > b) - (a < b))
    for a, _ in pairs[:100]:
        yield 'text', hexed(a), '-', text(a)
    values = [a for a, _ in pairs[:60]] + [Fraction(n, d) for n in (-5, -3, -1, 1, 3, 5, 7) for d in (1, 2, 200, 3)]
    values += [Fraction(2 ** 63), Fraction(-2 ** 63), Fraction(2 ** 64 - 1, 2), Fraction(2 ** 64), Fraction(-2 ** 63 - 1)]
    for value in values:
        for decimals in (0, 2, 18):
            scaled = value * 10 ** decimals
            for how in ('half_up', 'half_even', 'up', 'down'):
                yield how, hexed(value), str(decimals), whole(rounded(scaled, how))
            yield 'floor', hexed(value), str(decimals), whole(math.floor(scaled))
            yield 'exact', hexed(value), str(decimals), whole(int(scaled)) if scaled.denominator == 1 else 'no'


def main():
    path = Path(__file__).with_name('rational_cases.txt')
    made = ''.join(' '.join(case) + '\n' for case in cases())
    if sys.argv[1:] == ['--check']:
        if path.read_text() != made:
            sys.exit(f'{path} is not what rational_cases.py writes: run it')
    else:
        path.write_text(made)


main()
