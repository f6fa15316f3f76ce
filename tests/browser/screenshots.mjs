// Pictures of each page in both themes, wide and narrow, to be looked at: node screenshots.mjs FOLDER

import { mkdirSync } from "node:fs";
import { enter, launch } from "./browser.mjs";
import { demoCall, leave, pages, themes } from "./pages.mjs";
import { demo, startStack } from "./stack.mjs";

const folder = process.argv[2] ?? "screenshots";
mkdirSync(folder, { recursive: true });
const endings = [];
const stack = await startStack();
try {
  const browser = await launch({ after: (ending) => endings.push(ending) });
  const call = await demoCall(stack, demo);
  for (const colorScheme of themes) {
    for (const [width, height] of [[1440, 900], [360, 740]]) {
      const { page, context } = await enter(browser, stack.url, { colorScheme, viewport: { width, height } });
      const take = (name) =>
        page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png`, fullPage: width < 1000 });
      for (const [name, path, ready] of pages(call)) {
        await page.goto(stack.url + path);
        await ready(page);
        await take(name);
      }
      await page.goto(stack.url);
      await page.getByRole("button", { name: "Play the demo call" }).click();
      await page.locator("article.card").first().waitFor({ timeout: 40_000 });
      await take("live");
      await page.getByRole("button", { name: "Stop the demo" }).click();
      await page.locator(".summary").waitFor({ timeout: 30_000 });
      await leave(page);
      await take("door");
      await context.close();
    }
  }
  console.log(`screenshots are in ${folder}`);
} finally {
  for (const end of endings) await end();
  await stack.stop();
}
