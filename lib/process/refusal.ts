/** Why a program does not start, or ends with 1: told to a person as it stands, without a trace. */
export class Refusal extends Error {
  override name = "Refusal";
}
