// The hosted survey page in a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { texts } from "./looks.mjs";
import { browser, gateway, isFaked, picture } from "./stage.mjs";

let served;
let chrome;

before(async () => {
  served = await gateway();
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  served?.stop();
});

async function open(token, options = {}) {
  const context = await chrome.newContext({ viewport: { width: 800, height: 900 }, ...options });
  const page = await context.newPage();
  const foreign = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(served.public)) foreign.push(request.url());
  });
  const response = await page.goto(`${served.public}/s/${token}`);
  return { page, response, foreign };
}

test("a survey is answered by keyboard, without script, and can be changed", async () => {
  const { page, foreign } = await open(`${served.token}?score=2`, {
    javaScriptEnabled: false,
    locale: "en-GB",
  });
  await page.screenshot({ path: picture("survey") });
  assert.ok(await page.getByRole("radio", { name: "2", exact: true }).isChecked());
  await page.getByRole("radio", { name: "2", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("textbox").fill('Good & "quick" <3\nThank you');
  await page.getByRole("button").click();
  assert.equal(await page.getByRole("heading").textContent(), "Thank you!");
  await page.screenshot({ path: picture("survey-thanks") });

  await page.getByRole("link").click();
  assert.ok(await page.getByRole("radio", { name: "4", exact: true }).isChecked());
  assert.equal(await page.getByRole("textbox").inputValue(), 'Good & "quick" <3\nThank you');
  assert.deepEqual(foreign, []);
  await page.context().close();
});

test("opening a link answers nothing", { skip: !isFaked }, async () => {
  for (const path of ["again?score=5", "again?score=1"]) {
    const { page, response } = await open(path);
    assert.equal(response.status(), 200);
    await page.context().close();
  }
  const { page } = await open("again", { locale: "en-GB" });
  assert.equal(await page.getByRole("radio", { checked: true }).count(), 0);
  assert.equal(await page.getByText("answered already").count(), 0);
  await page.context().close();
});

test("a form without a score comes back with what was written", { skip: !isFaked }, async () => {
  const { page } = await open("again", { locale: "de-DE" });
  await page.getByRole("textbox").fill("Noch kein Urteil");
  await page.getByRole("button").click();
  await page.getByText("Bitte wählen Sie eine der Bewertungen.").waitFor();
  assert.equal(await page.getByRole("textbox").inputValue(), "Noch kein Urteil");
  await page.screenshot({ path: picture("survey-again") });
  await page.context().close();
});

test("an unknown link and a closed survey are told in words", async () => {
  const { page, response } = await open("nothing.k1.here", { locale: "sv-SE" });
  assert.equal(response.status(), 404);
  await page.getByText("Länken leder inte till någon enkät").waitFor();
  await page.context().close();
  if (isFaked) {
    const closed = await open("closed", { locale: "fr-FR" });
    assert.equal(closed.response.status(), 410);
    await closed.page.getByText("Cette enquête est terminée").waitFor();
    await closed.page.screenshot({ path: picture("survey-closed") });
    await closed.page.context().close();
  }
});

test("every target is large and every text has contrast, by day and by night, left and right", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const locale of isFaked ? ["en-GB", "ar"] : ["en-GB"]) {
      const { page } = await open(served.token, {
        colorScheme,
        locale,
        viewport: { width: 360, height: 740 },
      });
      await page.screenshot({ path: picture(`survey-${colorScheme}-${locale}`), fullPage: true });
      const low = (await texts(page)).filter((it) => it.contrast < 4.5);
      assert.deepEqual(low, []);
      for (const target of await page.locator("label:has(input), button").all()) {
        const box = await target.boundingBox();
        assert.ok(box.width >= 44 && box.height >= 44, JSON.stringify(box));
      }
      assert.equal(await page.locator("html").getAttribute("dir"), locale === "ar" ? "rtl" : "ltr");
      await page.context().close();
    }
  }
});
