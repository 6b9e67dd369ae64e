/** Why a program does not start, or ends: told to a person as it stands, without a trace. */
export class Refusal extends Error {
  override name = "Refusal";
  /** What the process ends with; never 0. */
  readonly exitCode: number;

  /** An empty message says that all has been said. */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
