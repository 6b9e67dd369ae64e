import { changed, quoted, words } from "../kit/line.ts";
import { at, first, line, list, whole } from "../kit/json_path.ts";
import type { Extracted } from "../kit/to_description.ts";
import { extractCall, extractMessage } from "./whatsapp.ts";

/** What changed on a page, an account, a template or a number: `field` says what `value` holds. */
export function extractChange(item: unknown): Extracted {
  const field = line(item, "field");
  const value = at(item, "value");
  const [call] = list(value, "calls");
  if (call) return extractCall(call, value);
  const [echo] = list(value, "message_echoes");
  if (echo) return extractMessage(echo, value, true);
  const actor = first(
    line(value, "from", "name"),
    line(value, "from", "username"),
    line(value, "sender_name"),
  );
  const said = first(line(value, "message"), line(value, "text"));
  const title = titleOf(field, value, actor);
  return {
    event: field,
    title: said ? `${title}: ${quoted(said)}` : title,
    links: [at(value, "permalink_url"), at(value, "link")],
    actor,
    fields: {
      field,
      verb: line(value, "verb"),
      event: line(value, "event"),
      reason: reasonOf(value),
      template: line(value, "message_template_name"),
      number: line(value, "display_phone_number"),
      post: line(value, "post_id"),
      form: line(value, "form_id"),
    },
    text: first(whole(value, "message"), whole(value, "text")),
  };
}

function titleOf(field: string | undefined, value: unknown, actor: string | undefined): string {
  const event = readable(line(value, "event"));
  const template = words(
    "Template",
    quoted(line(value, "message_template_name")),
    line(value, "message_template_language") && `(${line(value, "message_template_language")})`,
  );
  const number = words(
    "Number",
    first(line(value, "display_phone_number"), line(value, "phone_number")),
  );
  const because = reasonOf(value);
  const withReason = (title: string) => because ? `${title}: ${because}` : title;
  switch (field) {
    case "message_template_status_update":
      return withReason(words(template, ["is", event]));
    case "message_template_quality_update":
      return words(
        template,
        changed(
          "quality",
          readable(line(value, "previous_quality_score")),
          readable(line(value, "new_quality_score")),
        ),
      );
    case "template_category_update":
      return words(
        template,
        changed(
          "category",
          readable(line(value, "previous_category")),
          readable(line(value, "new_category")),
        ),
      );
    case "message_template_components_update":
      return words(template, "was edited");
    case "phone_number_name_update":
      return withReason(
        words(number, "name", quoted(line(value, "requested_verified_name")), [
          "is",
          readable(line(value, "decision")),
        ]),
      );
    case "phone_number_quality_update":
      return words(
        number,
        event,
        changed(
          "limit",
          readable(line(value, "old_limit")),
          readable(line(value, "current_limit")),
        ),
      );
    case "account_alerts":
      return words(
        "WhatsApp account alert",
        readable(first(line(value, "alert_type"), line(value, "alert_info", "alert_type"))),
        ["for", readable(line(value, "entity_type"))],
        quoted(first(
          line(value, "alert_description"),
          line(value, "alert_info", "alert_description"),
        )),
      );
    case "account_review_update":
      return words("WhatsApp account review", ["is", readable(line(value, "decision"))]);
    case "account_update":
      return withReason(
        words("WhatsApp account", event, ["for", line(value, "phone_number")]),
      );
    case "security":
      return words(number, event, ["by", line(value, "requester")]);
    case "flows":
      return words(
        "Flow",
        line(value, "flow_id"),
        event,
        changed(
          undefined,
          readable(line(value, "old_status")),
          readable(line(value, "new_status")),
        ),
      );
    case "user_preferences": {
      const preference = at(value, "user_preferences", 0);
      return words(
        first(line(value, "contacts", 0, "profile", "name"), line(preference, "wa_id")) ??
          "Somebody",
        "asks to",
        line(preference, "value"),
        readable(line(preference, "category")),
      );
    }
    case "leadgen":
      return words("New lead", line(value, "leadgen_id"), ["of form", line(value, "form_id")]);
    case "feed":
      return words(
        actor ?? "Somebody",
        FEED[line(value, "verb") ?? ""] ?? line(value, "verb"),
        readable(line(value, "item")),
        quoted(line(value, "reaction_type")),
      );
    case "comments":
    case "live_comments":
      return words(actor ?? "Somebody", "commented", [
        "on",
        line(value, "media", "media_product_type")?.toLowerCase(),
      ]);
    case "mention":
    case "mentions":
      return words(actor ?? "Somebody", "mentioned us");
    case "history":
    case "smb_app_state_sync":
      return words("WhatsApp", field.replace("smb_", "").replaceAll("_", " "));
    default: {
      const title = words(actor, actor ? "changed" : undefined, readable(field), event);
      return withReason(title.replace(/^[a-z]/, (letter) => letter.toUpperCase()));
    }
  }
}

const FEED: Record<string, string> = {
  add: "added",
  edit: "edited",
  edited: "edited",
  remove: "removed",
  hide: "hid",
  unhide: "showed again",
  block: "blocked",
};

/** Why something was refused or shut; "NONE" is no reason. */
function reasonOf(value: unknown): string | undefined {
  const found = first(
    line(value, "reason"),
    line(value, "rejection_reason"),
    line(value, "violation_info", "violation_type"),
    line(value, "ban_info", "waba_ban_state"),
    line(value, "restriction_info", 0, "restriction_type"),
  );
  return found === undefined || found === "NONE" ? undefined : readable(found);
}

function readable(name: string | undefined): string | undefined {
  return name?.toLowerCase().replaceAll("_", " ");
}
