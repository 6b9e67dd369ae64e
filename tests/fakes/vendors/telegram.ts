import { keep, type Vendor } from "./vendor.ts";

export const BOT_TOKEN = "123456:ABCDEFGHIJKLMNOPQRSTUVWX";

/** core.telegram.org/bots/api: its errors are `ok: false` with a description. */
export const telegram: Vendor = (request, said) => {
  const { path, body } = request;
  const refuse = (error_code: number, description: string): [number, Record<string, unknown>] => [
    error_code,
    { ok: false, error_code, description },
  ];
  if (!path.startsWith(`/bot${BOT_TOKEN}/`)) return refuse(401, "Unauthorized");
  const [, , method] = path.split("/");
  if (method === "getMe") return [200, { ok: true, result: { id: 1, username: "ottobot" } }];
  if (method !== "sendMessage") return refuse(404, "Not Found");
  if (!Number.isSafeInteger(body.chat_id)) return refuse(400, "Bad Request: chat not found");
  if (typeof body.text !== "string" || body.text.trim() === "") {
    return refuse(400, "Bad Request: message text is empty");
  }
  if (body.text.length > 4_096) return refuse(400, "Bad Request: message is too long");
  const message_id = keep(request, said);
  return [200, { ok: true, result: { message_id, chat: { id: body.chat_id }, text: body.text } }];
};
