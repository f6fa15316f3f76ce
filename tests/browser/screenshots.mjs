// Pictures of each page in both themes, on a wide screen, a laptop and a telephone, to be looked at:
// node screenshots.mjs FOLDER

import { mkdirSync } from "node:fs";
import { enter, launch } from "./browser.mjs";
import { demoCall, eachState, pages, themes } from "./pages.mjs";
import { demo, startStack } from "./stack.mjs";

const SIZES = [[1440, 900], [1280, 720], [360, 740]];
const folder = process.argv[2] ?? "screenshots";
mkdirSync(folder, { recursive: true });
const endings = [];
const stack = await startStack();
try {
  const browser = await launch({ after: (ending) => endings.push(ending) });
  const call = await demoCall(stack, demo);
  const held = await stack.hold();
  endings.push(held.end);
  for (const colorScheme of themes) {
    for (const [width, height] of SIZES) {
      const { page, context } = await enter(browser, stack.url, { colorScheme, viewport: { width, height } });
      // A telephone's page is told whole, and what its first sight is, too.
      const take = async (name, shown = page) => {
        await shown.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png` });
        if (width < 1000) await shown.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}-whole.png`, fullPage: true });
      };
      for (const [name, path, ready] of pages(call, held.call)) {
        await page.goto(stack.url + path);
        await ready(page);
        await take(name);
      }
      await eachState(context, stack.url, take);
      await context.close();
    }
  }
  console.log(`screenshots are in ${folder}`);
} finally {
  for (const end of endings) await end();
  await stack.stop();
}
