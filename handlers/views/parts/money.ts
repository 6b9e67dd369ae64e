/** An amount for people: a call costs fractions of a cent, so small ones keep two digits that say something. */
export function money(amount: number, currency: string): string {
  const digits = amount > 0 && amount < 1
    ? { maximumSignificantDigits: 2 }
    : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return `${amount.toLocaleString("en", digits)} ${currency}`;
}
