/* Scalar yardstick for benchmarks/intervals.py: the same limits, one cell at a time, compiled.

   The score interval and the mid-P interval by the same bracketed Newton steps, the incomplete beta
   function by Lentz's continued fraction. Nothing here is used by the package. */

#include <math.h>

static double score_upper(double x1, double n1, double x2, double n2, double z) {
    if (x2 == 0) return INFINITY;
    double square = z * z * (n1 + n2) / (n1 + n2 - 1), critical = sqrt(square);
    double rest1 = (n1 - x1) / n1, rest2 = (n2 - x2) / n2, moved;
    if (x2 == n2) {
        moved = (square + sqrt(square * (square + 4 * rest1 * x1))) / (2 * rest1);
        if (moved < x2) return (x1 + moved) / (n1 + moved);
        return (x1 + x2) / (n1 + x2) * (1 + (square - x2 * x2 * rest1 / (x1 + x2)) / x2);
    }
    double bend = rest1 * x2 + rest2 * x1 + square, tilt = square * (x2 - x1), low = 0, high = x2;
    moved = (tilt + sqrt(tilt * tilt + 4 * square * bend * x1 * x2)) / (2 * bend);
    bend += (rest2 - rest1) * moved;
    moved = (tilt + sqrt(tilt * tilt + 4 * square * bend * x1 * x2)) / (2 * bend);
    if (!(moved > 0 && moved < x2)) moved = x2 / 2;
    for (int i = 0; i < 200; i++) {
        double raised = x1 + moved, lowered = x2 - moved, part1 = rest1 / raised, part2 = rest2 / lowered;
        double root = sqrt(part1 + part2), value = critical - moved * root;
        double slope = -root - moved * (part2 / lowered - part1 / raised) / (2 * root);
        if (value > 0) low = moved; else high = moved;
        double next = moved - value / slope;
        if (!(next >= low && next <= high)) next = (low + high) / 2;
        moved = next;
        if (fabs(value) < 1e-6) break;
    }
    return (x1 + moved) / (n1 + moved) * ((n2 - moved) / (x2 - moved));
}

void miettinen_nurminen(long n, const double *x1, const double *n1, const double *x2, const double *n2,
                        double z, double *low, double *high) {
    for (long i = 0; i < n; i++) {
        if (x1[i] + x2[i] == 0 || n1[i] == 0 || n2[i] == 0) { low[i] = 0; high[i] = INFINITY; continue; }
        high[i] = score_upper(x1[i], n1[i], x2[i], n2[i], z);
        low[i] = 1 / score_upper(x2[i], n2[i], x1[i], n1[i], z);
    }
}

static double fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < 10000; m++) {
        double e = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + e * d; c = 1 + e / c; d = 1 / d; h *= d * c;
        e = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + e * d; c = 1 + e / c; d = 1 / d;
        double step = d * c; h *= step;
        if (fabs(step - 1) < 1e-15) break;
    }
    return h;
}

/* P(X <= a) for a heads of a + b, given its mass at a, which the continued fraction's factor needs too. */
static double lower_tail(double a, double b, double p, double q, double mass) {
    /* I_q(b, a + 1) = q^b p^(a+1) / (b B(b, a+1)) * fraction; q^b p^a C(a+b, a) is the mass. */
    if (q < b / (a + b + 1)) return mass * p * fraction(b, a + 1, q);
    return 1 - mass * p * b / (a + 1) * fraction(a + 1, b, p);
}

static double normal_quantile(double p) {  /* Acklam's rational approximation, and one Halley step. */
    static const double A[] = {-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
                               1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00};
    static const double B[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                               6.680131188771972e+01, -1.328068155288572e+01};
    static const double C[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                               -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00};
    static const double D[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    double q, r, x;
    if (p < 0.02425) {
        q = sqrt(-2 * log(p));
        x = (((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5]) /
            ((((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1);
    } else if (p <= 1 - 0.02425) {
        q = p - 0.5; r = q * q;
        x = (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q /
            (((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1);
    } else return -normal_quantile(1 - p);
    double e = 0.5 * erfc(-x / sqrt(2)) - p, u = e * sqrt(2 * M_PI) * exp(x * x / 2);
    return x - u / (1 + x * u / 2);
}

static double mid_p_upper(double a, double b, double z, double alpha) {
    if (b == 0) return INFINITY;
    if (a == 0) return expm1(-log(alpha) / b);
    double u = 1 / (9 * a + 4.5), v = 1 / (9 * b + 4.5), under = (1 - v) * (1 - v) - z * z * v, at;
    if (under > 0.05) {
        double cube = ((1 - u) * (1 - v) + z * sqrt((1 - v) * (1 - v) * u + (1 - u) * (1 - u) * v - z * z * u * v)) / under;
        at = 3 * log(cube) + log(v / u);
    } else at = log((a + 1) / b) + z;
    double choose = lgamma(a + b + 1) - lgamma(a + 1) - lgamma(b + 1), low = -80, high = 700;
    for (int i = 0; i < 200; i++) {
        double q = 1 / (1 + exp(at)), p = 1 - q;
        if (q > 0.5) { p = 1 / (1 + exp(-at)); q = 1 - p; }
        double mass = exp(choose + a * log(p) + b * log(q));
        double tail = lower_tail(a, b, p, q, mass) - mass / 2;
        double x = normal_quantile(fmin(fmax(tail, 1e-300), 1 - 1e-16));
        double value = x + z, slope = -mass * (a * q + b * p) / 2 * sqrt(2 * M_PI) * exp(x * x / 2);
        if (value > 0) low = at; else high = at;
        double next = at - value / slope;
        if (!(next >= low && next <= high)) next = (low + high) / 2;
        at = next;
        if (fabs(value) < 1e-6) break;
    }
    return exp(at);
}

void mid_p(long n, const double *x1, const double *t1, const double *x2, const double *t2, double z,
           double *low, double *high) {
    double alpha = erfc(z / sqrt(2));
    for (long i = 0; i < n; i++) {
        high[i] = mid_p_upper(x1[i], x2[i], z, alpha) * t2[i] / t1[i];
        low[i] = 1 / (mid_p_upper(x2[i], x1[i], z, alpha) * t1[i] / t2[i]);
    }
}
