/**
 * What runs in the HTML page, as text: the page is one file, and this folder knows no DOM. It paints each heat map from the page's own
 * data (length to the right, fault position upwards; a column of its own for lengths of 4 GiB and more) and copies launch configurations.
 */
export const PAGE_SCRIPT = `
'use strict';
const CELL = 5, WIDE = 14, LEFT = 44, BOTTOM = 34, TOP = 8, GAP = 6;
const readCell = (text) => { const [cases, violating = '0'] = text.split('/'); return { cases: Number(cases), violating: Number(violating) }; };
const range = (from, size) => (size === 1 ? String(from) : from + ' to ' + (from + size - 1));

class HeatMap {
  constructor(canvas) {
    this.canvas = canvas;
    this.output = canvas.parentElement.querySelector('output');
    this.data = JSON.parse(document.getElementById(canvas.dataset.heat).textContent);
    this.rows = this.data.rows[canvas.dataset.kind].map((row) => (row === '' ? [] : row.split(' ').map(readCell)));
    this.height = Math.max(...this.rows.map((row) => row.length));
    this.hasLong = this.rows.at(-1).length > 0;
    this.wide = this.rows.length > 20 ? CELL : WIDE;
    this.chosen = undefined;
    canvas.addEventListener('mousemove', (event) => { this.choose(this.at(event.offsetX * canvas.width / canvas.clientWidth / devicePixelRatio, event.offsetY * canvas.width / canvas.clientWidth / devicePixelRatio)); });
    canvas.addEventListener('mouseleave', () => { this.choose(undefined); });
    canvas.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const [column, row] = this.chosen === undefined ? [0, 0] : [this.chosen[0] + step[0], this.chosen[1] + step[1]];
      this.choose([Math.min(Math.max(column, 0), this.rows.length - (this.hasLong ? 1 : 2)), Math.min(Math.max(row, 0), this.height - 1)]);
    });
    this.paint();
  }

  x(column) { return LEFT + column * this.wide + (column === this.rows.length - 1 ? GAP : 0); }
  y(row) { return TOP + (this.height - 1 - row) * CELL; }

  at(x, y) {
    const column = this.hasLong && x >= this.x(this.rows.length - 1) ? this.rows.length - 1 : Math.floor((x - LEFT) / this.wide);
    const row = this.height - 1 - Math.floor((y - TOP) / CELL);
    return this.rows[column]?.[row] === undefined ? undefined : [column, row];
  }

  choose(place) {
    this.chosen = place;
    this.paint();
    if (place === undefined) { this.output.textContent = '\\u00a0'; return; }
    const [column, row] = place;
    const { from, step, lengthStep, positionStep } = this.data;
    const lengths = column === this.rows.length - 1 ? '4 GiB and more' : range(from + column * lengthStep, lengthStep - step + 1);
    const { cases, violating } = this.rows[column][row] ?? { cases: 0, violating: 0 };
    const where = this.canvas.dataset.position === '' ? '' : ', ' + this.canvas.dataset.position + ' ' + range(row * positionStep, positionStep);
    this.output.textContent = 'n = ' + lengths + where + ': ' + (cases === 0 ? 'no case' : violating.toLocaleString('en') + ' of ' + cases.toLocaleString('en') + ' violate');
  }

  paint() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const columns = this.rows.length;
    const width = this.x(columns - 1) + (this.hasLong ? this.wide : 0) + GAP, height = TOP + this.height * CELL + BOTTOM;
    this.canvas.width = width * devicePixelRatio;
    this.canvas.height = height * devicePixelRatio;
    this.canvas.style.width = width + 'px';
    const pen = this.canvas.getContext('2d');
    pen.scale(devicePixelRatio, devicePixelRatio);
    this.rows.forEach((cells, column) => {
      if (column === columns - 1 && !this.hasLong) return;
      for (let row = 0; row < this.height; row++) {
        const { cases, violating } = cells[row] ?? { cases: 0, violating: 0 };
        pen.fillStyle = colour(cases === 0 ? '--heat-none' : violating === 0 ? '--heat-kept' : '--heat-few');
        pen.fillRect(this.x(column), this.y(row), this.wide - 0.5, CELL - 0.5);
        if (violating === 0) continue;
        pen.globalAlpha = violating / cases;
        pen.fillStyle = colour('--heat-all');
        pen.fillRect(this.x(column), this.y(row), this.wide - 0.5, CELL - 0.5);
        pen.globalAlpha = 1;
      }
    });
    pen.fillStyle = colour('--quiet');
    pen.font = '11px system-ui, sans-serif';
    const { from, lengthStep, positionStep } = this.data;
    const bottom = TOP + this.height * CELL;
    pen.textAlign = 'center';
    for (let column = 0; column < columns - 1; column += columns > 34 ? 16 : 4) pen.fillText(String(from + column * lengthStep), this.x(column) + this.wide / 2, bottom + 13);
    pen.textAlign = 'left';
    pen.fillText(this.hasLong ? 'length n (last column: 4 GiB and more)' : 'length n', LEFT, bottom + 28);
    pen.textAlign = 'right';
    if (this.canvas.dataset.position !== '') for (let row = 0; row < this.height; row += 16) pen.fillText(String(row * positionStep), LEFT - 5, this.y(row) + CELL);
    if (this.canvas.dataset.position !== '' && this.height > 30) {
      pen.save();
      pen.translate(11, bottom);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = 'left';
      pen.fillText(this.canvas.dataset.position, 0, 0);
      pen.restore();
    }
    if (this.chosen !== undefined) {
      pen.strokeStyle = colour('--text');
      pen.lineWidth = 1.5;
      pen.strokeRect(this.x(this.chosen[0]) - 1, this.y(this.chosen[1]) - 1, this.wide + 1.5, CELL + 1.5);
    }
  }
}

const maps = [...document.querySelectorAll('canvas.heat')].map((canvas) => new HeatMap(canvas));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { for (const map of maps) map.paint(); });

for (const button of document.querySelectorAll('button.copy')) {
  button.addEventListener('click', async () => {
    const text = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = 'Copied';
    } catch {
      // A page opened from disk may not write to the clipboard; selected text can be copied by hand.
      getSelection().selectAllChildren(text);
      button.textContent = 'Selected';
    }
  });
}
`;
