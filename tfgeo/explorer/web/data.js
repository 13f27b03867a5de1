// What Python put into the page: arrays as base64 of little-endian numbers.

function decodeBytes(text) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/* IEEE half precision to single. */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/* { type, data } to numbers; bytes with a scale and an offset stand for offset + scale * byte. */
function readArray({ type, data, scale = 1, offset = 0 }) {
  const { buffer } = decodeBytes(data);
  if (type === "float32") return new Float32Array(buffer);
  if (type === "float16") return Float32Array.from(new Uint16Array(buffer), fromHalf);
  if (type === "int32") return new Int32Array(buffer);
  return Float32Array.from(new Uint8Array(buffer), (value) => offset + scale * value);
}
