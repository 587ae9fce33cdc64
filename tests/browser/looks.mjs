// How a page looks, measured within the page: every visible piece of text with its size, its
// colour and the colour it stands on.

/**
 * All visible texts: `{ text, size, contrast }`, size in CSS pixels, contrast as WCAG 2.2 defines
 * it (1.4.3). Grounds are composed down to the first opaque one.
 */
export function texts(page) {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    // The canvas understands every colour that CSS does, oklch too.
    const rgba = (colour) => {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top, ground) =>
      top.slice(0, 3).map((value, i) => value * top[3] + ground[i] * (1 - top[3]));
    const groundOf = (element) => {
      const layers = [];
      for (let at = element; at !== null; at = at.parentElement) {
        const layer = rgba(getComputedStyle(at).backgroundColor);
        layers.push(layer);
        if (layer[3] === 1) break;
      }
      return layers.reverse().reduce((ground, layer) => over(layer, ground), [255, 255, 255]);
    };
    const luminance = (rgb) => {
      const [r, g, b] = rgb.map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
      const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
      return (high + 0.05) / (low + 0.05);
    };

    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent.trim();
      const element = walker.currentNode.parentElement;
      if (text === "" || element.closest(".unseen, script, style")) continue;
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      const box = range.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) continue;
      const style = getComputedStyle(element);
      const ground = groundOf(element);
      found.push({
        text,
        size: parseFloat(style.fontSize),
        contrast: contrast(over(rgba(style.color), ground), ground),
      });
    }
    return found;
  });
}

/** Whether the page, or anything on it, can be scrolled, by name. */
export function scrollable(page) {
  return page.evaluate(() => {
    const scrolls = (element) => {
      const { overflowX, overflowY } = getComputedStyle(element);
      const wide = element.scrollWidth > element.clientWidth && !["hidden", "clip", "visible"].includes(overflowX);
      const high = element.scrollHeight > element.clientHeight && !["hidden", "clip", "visible"].includes(overflowY);
      return wide || high;
    };
    const page = document.documentElement;
    const found = [...document.body.querySelectorAll("*")].filter(scrolls).map((it) => it.id || it.tagName);
    if (page.scrollHeight > innerHeight || page.scrollWidth > innerWidth) found.push("page");
    return found;
  });
}

/** Texts that are cut off within their box and have no `title` that tells them whole. */
export function cutOff(page, selector) {
  return page.evaluate((selector) => {
    const all = [...document.querySelectorAll(selector)];
    return all
      .filter((it) => it.checkVisibility() && it.scrollWidth > it.clientWidth + 1 && !it.title)
      .map((it) => it.textContent);
  }, selector);
}
