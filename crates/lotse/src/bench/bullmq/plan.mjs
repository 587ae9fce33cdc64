// Which rows there are and when each is due: as the other side of the benchmark has it.

export const rowOf = (index) => `tkt_${String(index).padStart(26, "0")}`;

export const indexOf = (row) => Number(row.slice(4));

export const dueOf = ({ first, over, count }, index) => first + Math.floor((index * over) / count);
