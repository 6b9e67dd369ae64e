import type { Database } from "../../store/database.ts";
import { readSilenceEnd } from "../silence/silence.ts";
import { namesOf, type SilenceWords } from "../silence/words.ts";
import { clockTime, lasted } from "../silence/zone.ts";
import type { Group } from "./groups.ts";
import { MORE, type Told } from "./told.ts";

/** How it is said that nothing new comes of a group: those that came are there still. */
export function sayQuiet({ words, latest }: Group, { timeZone, now }: SilenceWords): string {
  return `Nothing new for ${lasted(now.getTime() - latest.getTime())}: ${words}. The last one ` +
    `came at ${clockTime(timeZone, latest, now)}; they still wait for somebody.`;
}

/** What is said when a group that was told is no longer there. */
export async function sayOver(
  database: Database,
  told: Told,
  words: SilenceWords,
): Promise<{ isOver: boolean; text?: string }> {
  if (told.kind === "silent") return await saySilenceOver(database, told, words);
  if (told.key === MORE) return { isOver: true };
  if (told.kind === "needs_you") {
    return { isOver: true, text: `Over, no such question is left to be told: ${told.words}` };
  }
  // That nothing new came was told, and perhaps a day ago.
  if (told.is_quiet) return { isOver: true };
  return { isOver: true, text: `Over, none of the last 24 hours is left. It was: ${told.words}` };
}

async function saySilenceOver(
  database: Database,
  { key }: Told,
  words: SilenceWords,
): Promise<{ isOver: boolean; text?: string }> {
  const end = await readSilenceEnd(database, key.slice("silent:".length));
  if (!end) return { isOver: true };
  const { kind, since, ended_at, ended_by } = end;
  // It stands, and newer ones have pushed it off the list.
  if (ended_at === null) return { isOver: false };
  const { timeZone } = words;
  const when = `since ${clockTime(timeZone, since, ended_at)} (${
    lasted(ended_at.getTime() - since.getTime())
  })`;
  const came = ended_by.filter((each) => each.came).map(({ source }) => source);
  if (kind === "everything" && came.length > 0) {
    return {
      isOver: true,
      text: `Over: messages arrive again. Nothing had come from anybody ${when}.`,
    };
  }
  const last = came.length > 0 ? came : ended_by.map(({ source }) => source);
  const isOne = last.length < 2;
  const now = came.length > 0
    ? `${isOne ? "sends" : "send"} again`
    : `${isOne ? "is" : "are"} paused now`;
  return {
    isOver: true,
    text: `Over: ${namesOf(last, words)} ${now}. The silence was told ${when}.`,
  };
}
