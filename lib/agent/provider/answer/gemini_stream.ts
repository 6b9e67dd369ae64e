import { isPart, type Part, partsIn } from "./parts.ts";

/** An answer of Gemini's, made of those that its stream has (`alt=sse`, or a list). */
export function joinGenerated(answers: readonly Part[]): Part | undefined {
  const candidates = answers.flatMap((answer) => partsIn(answer.candidates).slice(0, 1));
  const parts = joined(
    candidates.flatMap(({ content }) => isPart(content) ? partsIn(content.parts) : []),
  );
  const lastOf = (from: readonly Part[], name: string) =>
    from.map((each) => each[name]).findLast((each) => each !== undefined);
  const promptFeedback = lastOf(answers, "promptFeedback");
  if (candidates.length === 0 && promptFeedback === undefined) return undefined;
  return {
    candidates: candidates.length === 0 ? [] : [{
      content: { parts },
      // A stream without an end was cut.
      finishReason: lastOf(candidates, "finishReason") ?? "error",
      finishMessage: lastOf(candidates, "finishMessage"),
    }],
    promptFeedback,
    usageMetadata: lastOf(answers, "usageMetadata"),
  };
}

/** Pieces of one text as one: an answer may have as many as it has words. */
function joined(pieces: readonly Part[]): Part[] {
  const parts: Part[] = [];
  for (const piece of pieces) {
    const last = parts.at(-1);
    const goesOn = last !== undefined && typeof last.text === "string" &&
      typeof piece.text === "string" && last.thought === piece.thought &&
      last.thoughtSignature === undefined;
    if (goesOn) parts[parts.length - 1] = { ...last, ...piece, text: `${last.text}${piece.text}` };
    else parts.push(piece);
  }
  return parts;
}
