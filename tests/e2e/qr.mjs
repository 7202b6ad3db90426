// Reads a QR code as a phone would: from a picture of the screen.
import jsQR from "jsqr";
import { PNG } from "pngjs";

export async function readCode(locator) {
  await locator.scrollIntoViewIfNeeded();
  const { data, width, height } = PNG.sync.read(await locator.screenshot());
  const code = jsQR(new Uint8ClampedArray(data), width, height);
  if (!code) throw new Error("no QR code in the picture");
  return code.data;
}
