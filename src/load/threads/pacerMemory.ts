/** What the loop and its pacer share. */
export type PacerMemory = SharedArrayBuffer;

/** The pacer's first message; every other one is the number of an order whose time has come. */
export const READY = -1;

const ORDERS_AT = Float64Array.BYTES_PER_ELEMENT;

export const pacerMemory = (): PacerMemory => new SharedArrayBuffer(ORDERS_AT + Int32Array.BYTES_PER_ELEMENT);

export const pacerViews = (memory: PacerMemory) => ({
  /** The monotonic time of the process at which to wake the loop, ms. Written before `orders` is raised, read after it was read. */
  due: new Float64Array(memory, 0, 1),
  /** Number of the order that `due` belongs to. */
  orders: new Int32Array(memory, ORDERS_AT, 1),
});
