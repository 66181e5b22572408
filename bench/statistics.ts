/** The value below which the share `p` (0 to 1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? NaN;
}

/** A subject beside its control, both measured in this run. */
export interface Comparison {
  readonly unit: string;
  readonly subject: number;
  readonly control: number;
  /** subject ÷ control: the result. The absolute values are context. */
  readonly ratio: number;
  /** What the control is, in words. */
  readonly against: string;
  /** How far the control's own rounds lie apart, (max − min) ÷ median. Over 0.25 the run was too noisy to quote. */
  readonly controlSpread: number;
}

/** Compares the medians of alternated rounds. */
export function compare(unit: string, against: string, subject: readonly number[], control: readonly number[]): Comparison {
  const [s, c] = [percentile(subject, 0.5), percentile(control, 0.5)];
  return {
    unit,
    subject: round(s),
    control: round(c),
    ratio: round(s / c),
    against,
    controlSpread: round((Math.max(...control) - Math.min(...control)) / c),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
