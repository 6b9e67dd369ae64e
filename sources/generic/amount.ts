import { best, ranked, rankOf } from "./rank.ts";
import type { Leaf } from "./survey.ts";

const AMOUNTS = ranked(
  "amount total totalprice totalamount grandtotal price amounttotal",
  "value sum subtotal balance",
);

/**
 * An amount with its currency, where there is no doubt about its unit: a point with two places in
 * it. `2000` may be 20 as well as 2,000: no amount is better than a wrong one.
 */
export function amountOf(leaves: readonly Leaf[]): string | undefined {
  const currencies = leaves.filter(({ key, value }) =>
    /^(currency|currencycode|ccy)$/.test(key) && /^[A-Za-z]{3}$/.test(String(value))
  );
  if (currencies.length === 0) return undefined;
  const amounts = leaves.filter(({ value, aside }) =>
    aside !== "setting" && /^-?\d{1,12}\.\d{1,3}$/.test(String(value))
  );
  const amount = best(amounts, (each) => rankOf(each, AMOUNTS, {}));
  const holder = amount?.path.slice(0, -1).join("\n");
  const currency = currencies.find(({ path }) => path.slice(0, -1).join("\n") === holder);
  if (!amount || !currency) return undefined;
  // As a number `4.90` has lost its last digit.
  const figures = /\.\d$/.test(String(amount.value)) ? `${amount.value}0` : String(amount.value);
  return `${figures} ${String(currency.value).toUpperCase()}`;
}
