import { html } from "hono/html";
import type { RejectedReason } from "../../../lib/message/quarantine.ts";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import { linkTo } from "../parts/filters.ts";
import { type Frame, page } from "../page.ts";
import { status } from "../parts/status.ts";
import { age, clock } from "../parts/time.ts";
import type { StageRow } from "../parts/stages.ts";
import { titleOf } from "../message/row.ts";
import { copied, type OfferedNote, offeredNotes, steps } from "./setup.ts";

/** A secret that was made just now, and where it is. */
export interface FreshSecret {
  value: string;
  /** The variable that it belongs in. */
  variable: string;
  /** Whether it stands in `SECRETS_FILE`. */
  isKept: boolean;
  /** Why it does not, although that was asked for. */
  why?: string;
  /** The values to set: where there are some already, a new one stands beside them. */
  hasOthers: boolean;
}

/** What the page is made of on which a source is connected. */
export interface ConnectPage {
  frame: Frame;
  info: SourceInfo;
  url: string;
  /** From when on a delivery is the first one. */
  since: Date;
  /** Whether `SECRETS_FILE` is set, so that a secret may be put in there. */
  hasFile: boolean;
  fresh?: FreshSecret;
  offered: readonly OfferedNote[];
  /** The newest that was taken since, and the newest that was refused. */
  first?: StageRow;
  rejected?: RejectedReason;
  /** What the gate said of one that is not kept. */
  refusal?: { at: Date; message: string; hint: string };
}

/** `/sources/{name}/connect`: a secret, the URL, the vendor's steps, and the first delivery. */
export function connectPage(all: ConnectPage) {
  const { frame, info, url } = all;
  const { name, label } = info;
  return page({
    title: `Connect ${label}`,
    frame,
    watch: "any",
    body: html`
      <nav class="crumbs"
        aria-label="Where this is"><a href="/sources/${name}" dir="auto">${label}</a></nav>
      <div class="head">
        <h1 dir="auto">Connect ${label}</h1>
      </div>
      ${offeredNotes(info, all.offered)}
      <div class="two">
        <div>
          ${secretCard(all)}
          <section class="card" aria-labelledby="url"><h2 id="url">The URL and the steps</h2>
            ${copied("its-url", url, "URL")}
            ${steps(info)}
          </section>
        </div>
        <div>${firstCard(all)}</div>
      </div>
    `,
  });
}

function secretCard(all: ConnectPage) {
  const { info, fresh } = all;
  const { source, label, isKnown } = info;
  return html`
    <section class="card" aria-labelledby="secret">
      <h2 id="secret">The secret</h2>
      ${fresh
        ? freshSecret(fresh)
        : !source.verify
        ? isKnown
          ? html`<p class="said">${label} signs nothing: there is no secret to set.</p>`
          : ownScheme(info)
        : source.secretIsTheirs
        ? html`<p class="said">${label} makes its secret, or shows the key that it signs with: the
            steps say where. Set <code>${info.variable}</code> to it.</p>${setAlready(info)}`
        : makeForms(all)}
    </section>
  `;
}

function setAlready({ secrets }: SourceInfo) {
  if (secrets === 0) return "";
  return html`
    <p
      class="hint">${secrets === 1
        ? "One is set"
        : `${secrets} are set`} already; another one may stand beside it, after a comma, while you change one for the other.</p>
  `;
}

function makeForms({ info, since, hasFile }: ConnectPage) {
  const action = linkTo(`/sources/${info.name}/connect`, { since: since.toISOString() });
  return html`
    <p class="said">You choose it, and type it in at ${info.label}.</p>
    ${setAlready(info)}
    <form class="write actions" method="post" action="${action}">
      <button name="keep" value="no">Make a secret</button>
      ${hasFile &&
        html`<button name="keep" value="yes" class="quiet">Make one and put it in SECRETS_FILE</button>`}
    </form>
    <p class="hint">It is shown once.${hasFile
      ? ""
      : " Otto does not keep it: you set it where Otto runs."}</p>
  `;
}

function freshSecret({ value, variable, isKept, why, hasOthers }: FreshSecret) {
  return html`
    <p class="said"><strong>Copy it now:</strong> it is shown this once.</p>
    ${copied("fresh-secret", value, "The new secret")}
    ${isKept
      ? html`<p class="said">${status("in SECRETS_FILE", "done")} as <code>${variable}</code>; Otto
          reads the file within two seconds.</p>`
      : html`
        ${why && html`<p class="error">It could not be put in SECRETS_FILE: ${why}</p>`}
        <p class="said">Set it where Otto runs, and start Otto again:</p>
        ${copied("secret-line", `${variable}=${value}`, "The line to set")}
        ${hasOthers &&
          html`<p class="hint">Another one is set: put this one beside it, after a comma.</p>`}
      `}
  `;
}

/** What to write for a sender that nobody knows. */
function ownScheme({ name }: SourceInfo) {
  const file = JSON.stringify(
    { [name]: { scheme: { type: "token", header: "X-Token" } } },
    null,
    2,
  );
  return html`<p class="said">Otto takes it as it is, unverified. If the sender can send a header of
      your choice, or signs, say so in <code>SOURCES_FILE</code>; then it has a secret, too:</p>
    ${copied("own-scheme", file, "What to write in SOURCES_FILE")}`;
}

function firstCard(all: ConnectPage) {
  const { info, since } = all;
  return html`
    <section class="card" aria-labelledby="first" id="first-card" data-part>
      <h2 id="first">The first delivery</h2>
      <div role="status">${firstOf(all)}</div>
      <p class="hint">Since ${clock(since)}. <a href="${linkTo(`/sources/${info.name}/connect`, {
        since: since.toISOString(),
      })}">Look again</a></p>
    </section>
  `;
}

function firstOf({ info, first, rejected, refusal }: ConnectPage) {
  const { name, label } = info;
  if (info.pausedSince) {
    return html`<p class="said">${status("paused", "active", "pause")} Nothing of ${label} is taken:
      <a href="/sources/${name}">resume it</a> first.</p>`;
  }
  const isRefused = rejected &&
    (!first || rejected.stored_at.getTime() > first.message.received_at.getTime());
  if (isRefused) {
    return html`
      <p class="said">${status("refused", "failed")} One came ${age(
        rejected.stored_at,
      )}, and was refused:</p>
      <p class="error" dir="auto">${rejected.reason}</p>
      <p class="hint"><a href="/messages/${rejected.message_id}">Look at it</a></p>
    `;
  }
  if (first) {
    const { message } = first;
    return html`
      <p
        class="said">${status("connected", "done")} ${age(
          message.received_at,
        )}, ${message.verification === "verified"
          ? "and its signature is right"
          : "unverified"}: <a href="/messages/${message.message_id}" dir="auto">${titleOf(
            first,
          )}</a></p>${message.verification !== "verified" && info.source.verify &&
          html`<p class="hint">Set <code>${info.variable}</code>, so that nobody else can send in its
        name.</p>`}
    `;
  }
  if (refusal) {
    return html`
      <p class="said">${status("refused", "failed")} One came ${age(refusal.at)}, and was
            refused:</p>
      <p class="error" dir="auto">${refusal.message}</p>
      <p class="hint" dir="auto">${refusal.hint}</p>
    `;
  }
  return html`<p class="said">${
    status("waiting", "active", "waiting")
  } Nothing has come since this page was opened. This
    turns green by itself as soon as ${label} has sent something.</p>`;
}
