/** What is due, the earliest first: a binary heap. What was put in twice comes out twice; whoever takes it knows which one still counts. */
export class DueHeap<T> {
  private readonly items: { readonly dueMs: number; readonly item: T }[] = [];

  get size(): number {
    return this.items.length;
  }

  /** When the earliest is due; undefined where there is none. */
  get nextMs(): number | undefined {
    return this.items[0]?.dueMs;
  }

  push(dueMs: number, item: T): void {
    const { items } = this;
    items.push({ dueMs, item });
    for (let at = items.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.swapped(parent, at)) return;
      at = parent;
    }
  }

  /** Takes out the earliest, if it is due by `nowMs`. */
  pop(nowMs: number): T | undefined {
    const { items } = this;
    const [first] = items;
    if (!first || first.dueMs > nowMs) return undefined;
    const last = items.pop();
    if (last && items.length > 0) {
      items[0] = last;
      this.sink();
    }
    return first.item;
  }

  private sink(): void {
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const lesser = (this.items[right]?.dueMs ?? Infinity) < (this.items[left]?.dueMs ?? Infinity) ? right : left;
      if (!this.swapped(at, lesser)) return;
      at = lesser;
    }
  }

  /** Swaps two places unless the one above is not later. */
  private swapped(above: number, below: number): boolean {
    const [one, other] = [this.items[above], this.items[below]];
    if (!one || !other || one.dueMs <= other.dueMs) return false;
    this.items[above] = other;
    this.items[below] = one;
    return true;
  }
}
