/**
 * How many digits stand behind the point in the amounts of Stripe's API, where
 * it is not two (docs.stripe.com/currencies, "Zero-decimal" and
 * "Three-decimal currencies"). `Intl` knows other numbers: it would show
 * Serbian dinars a hundredfold. Stripe sends ISK and UGX with two.
 */
const DIGITS: Record<string, number> = {
  ...digits(0, "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"),
  ...digits(3, "BHD JOD KWD OMR TND"),
};

function withPoint(amount: number, decimals: number): string {
  const figures = String(Math.abs(amount)).padStart(decimals + 1, "0");
  const units = figures.slice(0, figures.length - decimals);
  const rest = figures.slice(figures.length - decimals);
  return `${amount < 0 ? "-" : ""}${units}${rest && `.${rest}`}`;
}

function digits(count: number, currencies: string): Record<string, number> {
  return Object.fromEntries(
    currencies.split(" ").map((currency) => [currency, count]),
  );
}

/** Minor units for people: `2000` of `usd` is `20.00 USD`; `undefined` for what is no whole number of a currency. */
export function inUnits(amount: string | undefined, currency: string | undefined) {
  const code = currency?.toUpperCase();
  if (!amount || !code || !/^-?\d{1,15}$/.test(amount) || !/^[A-Z]{3}$/.test(code)) {
    return undefined;
  }
  return `${withPoint(Number(amount), DIGITS[code] ?? 2)} ${code}`;
}
