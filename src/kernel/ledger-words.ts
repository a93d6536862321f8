import type { LedgerVerdict } from './ledger-check.ts';

/** A verdict for people: what was checked, what was found, the first bad entry first. */
export function describeVerdict(verdict: LedgerVerdict): string {
  const { entries, unsequenced, checkpoints, details, erased, faults, faultCount, first } = verdict;
  const lines = [
    verdict.sound ? 'The ledger is sound.' : `The ledger is NOT sound: ${count(faultCount, 'fault')}.`,
    ...(first ? [`First: ${first.says}.`] : []),
    `${count(entries, 'entry', 'entries')} in the tree, root ${verdict.root}${unsequenced ? `; ${unsequenced} waiting for a place` : ''}.`,
    `${count(checkpoints.stored, 'stored checkpoint')} and ${count(checkpoints.outside, 'outside copy', 'outside copies')}; ` +
      `they vouch for ${checkpoints.covers === entries ? 'every entry' : `the first ${checkpoints.covers}`}.`,
    `${count(details.checked, 'committed text')} checked, ${details.erased} erased${details.withheld ? `, ${details.withheld} not shown` : ''}.`,
    ...erased.map((e) => `  erased: "${e.field}" of entry ${e.id}, by ${e.by}, ${e.at}, ${e.basis}`),
    ...(details.erased > erased.length ? [`  and ${details.erased - erased.length} more`] : []),
    ...(faultCount > 1 ? ['Faults:', ...faults.map((fault) => `  ${fault.says}`)] : []),
    ...(faultCount > faults.length ? [`  and ${faultCount - faults.length} more`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
