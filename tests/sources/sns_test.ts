import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { generateKeyPairSync, sign as signWithKey } from "node:crypto";
import * as sns from "../../sources/sns.ts";
import { NOW, request } from "./request.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const CERTIFICATE = {
  commonName: "sns.amazonaws.com",
  validFrom: NOW - 1_000,
  validTo: NOW + 1_000,
  publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
};
const ARN = "arn:aws:sns:eu-central-1:1:phone";
const MESSAGE = {
  Type: "Notification",
  MessageId: "m1",
  TopicArn: ARN,
  Subject: "The line is down",
  Message: "No call\nfor five minutes",
  Timestamp: "2023-11-14T22:13:20.000Z",
  SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab12.pem",
};

/** Each field with its name, in the order of Amazon's page. */
function signed(message: Record<string, string>, names: string, version = "2") {
  const lines = names.split(" ").map((name) => `${name}\n${message[name]}\n`).join("");
  const Signature = signWithKey(
    version === "1" ? "sha1" : "sha256",
    new TextEncoder().encode(lines),
    privateKey,
  )
    .toString("base64");
  return { ...message, SignatureVersion: version, Signature };
}

async function code(message: unknown, more: Parameters<typeof request>[2] = {}, secrets = [ARN]) {
  const incoming = request(JSON.stringify(message), {}, { certificate: CERTIFICATE, ...more });
  const verdict = await sns.verify(incoming, secrets);
  return verdict.ok || verdict.code;
}

const FIELDS = "Message MessageId Subject Timestamp TopicArn Type";
const right = signed(MESSAGE, FIELDS);

describe("Amazon SNS's signature", () => {
  it("covers the message's fields, in both versions and for each type", async () => {
    assertEquals(await code(right), true);
    assertEquals(await code(signed(MESSAGE, FIELDS, "1")), true);
    const { Subject: _, ...bare } = MESSAGE;
    assertEquals(await code(signed(bare, "Message MessageId Timestamp TopicArn Type")), true);
    const asked = {
      ...bare,
      Type: "SubscriptionConfirmation",
      SubscribeURL: "https://sns.eu-central-1.amazonaws.com/?x",
      Token: "t",
    };
    const names = "Message MessageId SubscribeURL Timestamp Token TopicArn Type";
    assertEquals(await code(signed(asked, names)), true);
    for (const name of FIELDS.split(" ")) {
      assertEquals(await code({ ...right, [name]: "other" }), "signature_mismatch", name);
    }
    assertEquals(await code({ ...right, SignatureVersion: "1" }), "signature_mismatch");
    assertEquals(await code({ ...right, SignatureVersion: "3" }), "signature_malformed");
    assertEquals(await code(MESSAGE), "signature_missing");
  });

  it("is nobody's for another topic, without a certificate, or with one that is not valid now", async () => {
    assertEquals(await code(right, {}, ["arn:aws:sns:eu-central-1:2:phone"]), "signature_mismatch");
    assertEquals(await code(right, { certificate: undefined }), "signature_mismatch");
    assertEquals(await code(right, { receivedAt: NOW + 2_000 }), "signature_mismatch");
  });

  it("is of the same content, whatever stands around what is signed", () => {
    const keys = (message: unknown) => sns.signedContentKeys(request(JSON.stringify(message)));
    assertEquals(keys(right).length, 1);
    assertEquals(keys({ extra: 1, ...right }), keys(right));
    assertNotEquals(keys({ ...right, Message: "other" }), keys(right));
    assertEquals(keys(MESSAGE), []);
  });

  it("never makes us fetch anything but a certificate from Amazon's own hosts", () => {
    const urlOf = (SigningCertURL: unknown, url?: string, secrets = [ARN]) =>
      sns.certificateUrl(
        request(JSON.stringify({ ...right, SigningCertURL }), {}, url ? { url } : {}),
        secrets,
      );
    const { SigningCertURL } = MESSAGE;
    assertEquals(urlOf(SigningCertURL), SigningCertURL);
    assertEquals(urlOf(SigningCertURL, undefined, [`${ARN}x`]), undefined, "a topic of others");
    assertEquals(sns.certificateUrl(request(JSON.stringify(MESSAGE)), [ARN]), undefined);
    assertEquals(urlOf(SigningCertURL, "https://otto.example.com/webhook/sns?token=x"), undefined);
    for (
      const url of [
        SigningCertURL.replace("https", "http"),
        SigningCertURL.replace(".com/", ".com.example.org/"),
        SigningCertURL.replace("sns.", "s3."),
        // Whoever has a bucket named `sns` writes there.
        SigningCertURL.replace("sns.eu-central-1", "sns.s3-us-west-2"),
        SigningCertURL.replace("sns.eu-central-1", "sns.s3"),
        SigningCertURL.replace("eu-central-1", "s3-eu-central-1"),
        SigningCertURL.replace("SimpleNotificationService-ab12", "x"),
        SigningCertURL.replace("/Simple", "/a/../Simple"),
        `${SigningCertURL}?x`,
        7,
        undefined,
      ]
    ) assertEquals(urlOf(url), undefined, String(url));
    for (const region of ["us-gov-west-1", "cn-north-1", "ap-southeast-5", "us-iso-east-1"]) {
      const url = SigningCertURL.replace("eu-central-1", region);
      assertEquals(urlOf(url), url);
    }
    const link = (SubscribeURL: string) =>
      sns.describe({ ...MESSAGE, Type: "SubscriptionConfirmation", SubscribeURL }).link;
    assertEquals(link("https://sns.s3-us-west-2.amazonaws.com/x"), undefined);
    assertEquals(link("https://sns.s3.amazonaws.com/x"), undefined);
  });

  it("is not looked for where a token in the URL proves the sender", async () => {
    const url = "https://otto.example.com/webhook/sns?token=secret";
    assertEquals(await code(MESSAGE, { url }, [ARN, "secret"]), true);
    assertEquals(await code(right, { url }, [ARN, "other"]), "signature_mismatch");
    // A topic's name is no secret.
    assertEquals(await code(MESSAGE, { url: `${url.split("=")[0]}=${ARN}` }), "signature_mismatch");
  });
});
