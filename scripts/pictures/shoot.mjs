// node shoot.mjs URL FILE [HEIGHT]: opens a page in Chromium, waits until every panel is drawn, and takes its picture.
import { chromium } from "playwright-core";

const [url, file, height] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await browser.newPage({ viewport: { width: 1600, height: Number(height ?? 900) } });
const said = [];
page.on("console", (message) => message.type() === "error" && said.push(message.text()));
page.on("pageerror", (error) => said.push(error.stack));
await page.goto(url);
await page.waitForFunction("window.began && window.waiting === 0", null, { timeout: 60000 });
await page.waitForTimeout(1500);
await page.screenshot({ path: file, fullPage: !height });
const problems = await page.evaluate("window.problems");
await browser.close();
for (const problem of problems) console.error(problem);
for (const line of said.slice(0, 5)) console.error(`console: ${line}`);
process.exit(problems.length ? 1 : 0);
