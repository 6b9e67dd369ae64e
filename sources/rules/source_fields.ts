import { z } from "zod";
import { isSubnet } from "./address_list.ts";
import { filter, pathExpression } from "./filter_settings.ts";
import { answer, handshake } from "./greeting.ts";
import { SAME_BYTES } from "./path_expression.ts";
import { MOST_SECONDS, scheme } from "./scheme.ts";
import { keyFault } from "./subject/key.ts";
import { linkFault, templateFault } from "./template.ts";

const MIB = 1024 * 1024;

const template = z.string().min(1).max(1_000).superRefine((text, context) => {
  const fault = templateFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const link = template.superRefine((text, context) => {
  const fault = linkFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const key = template.superRefine((text, context) => {
  const fault = keyFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const seconds = z.number().min(1).max(MOST_SECONDS);

/** Every field that the file may have of a source. */
export const sourceSettings = z.strictObject({
  label: z.string().trim().min(1).max(60).optional(),
  scheme: scheme.optional(),
  secret_required: z.boolean().optional(),
  id: z.preprocess(
    (given) => typeof given === "string" ? [given] : given,
    z.array(z.union([z.literal(SAME_BYTES), pathExpression])).min(1).max(8),
  ).optional(),
  event: template.optional(),
  title: template.optional(),
  titles: z.record(z.string().min(1).max(200), template).refine(
    (titles) => Object.keys(titles).length <= 200,
    { error: "has more than 200 events" },
  ).optional(),
  description: template.optional(),
  link: link.optional(),
  actor: template.optional(),
  text: template.optional(),
  methods: z.array(z.enum(["POST", "PUT", "PATCH", "DELETE", "GET"], {
    error: 'must be "POST", "PUT", "PATCH", "DELETE" or "GET"',
  })).min(1).optional(),
  body_limit: z.number().int().min(1024).max(35 * MIB).optional(),
  allowed_ips: z.array(
    z.string().refine(isSubnet, {
      error:
        'must be an address or a network, such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"',
    }),
  ).min(1, { error: "is empty, so nobody could send: leave it out instead" }).optional(),
  filter: filter.optional(),
  handshake: handshake.optional(),
  ping: filter.optional(),
  answer: answer.optional(),
  redact: z.array(pathExpression).min(1).max(100).optional(),
  tell_after_hours: z.number().min(0.5).max(24 * 60).optional(),
  retention_days: z.number().min(1).max(36_500).optional(),
  rate_limit: z.strictObject({
    requests: z.number().int().min(1).max(1_000_000),
    seconds: seconds.default(60),
  }).optional(),
  merge: z.strictObject({ key: template.optional(), seconds }).optional(),
  subject: z.union([
    z.literal(false),
    z.strictObject({ key, name: template.optional(), link: link.optional() }),
  ], { error: 'must be such as {"key": "{order.id}"}, or false for none' }).optional(),
  later: z.enum(["apart", "continue"], {
    error: 'must be "apart" (every message a task of its own) or "continue"',
  }).optional(),
  deliver: filter.optional(),
  close: z.union([z.array(z.never()).length(0), filter], {
    error: "must be a list of conditions, or [] for never",
  }).optional(),
  ignore_actors: z.array(z.string().min(1).max(200)).optional(),
  repeats: z.literal("normal", { error: 'must be "normal", or left out' }).optional(),
  instruction: z.string().max(8_000).optional(),
  notify: z.strictObject({
    slack: z.string().regex(/^[CDG][A-Z0-9]{2,30}$/, {
      error: "must be a channel's id, such as C0123ABCD: it is at the end of its details in Slack",
    }),
  }).optional(),
});

/** What the operator says of one source; what is left out stays as it is. */
export type SourceSettings = z.infer<typeof sourceSettings>;
