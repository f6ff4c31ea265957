const CELLS = 20;

/** `0.25` -> five of twenty cells filled; what is more than nothing shows at least one, what is less than all never fills the last. */
export function shareBar(share: number): string {
  const cells = Math.round(share * CELLS);
  const shown = share > 0 && cells === 0 ? 1 : share < 1 && cells === CELLS ? CELLS - 1 : cells;
  return '█'.repeat(shown) + '░'.repeat(CELLS - shown);
}
