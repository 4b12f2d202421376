// The page's own script. It filters the rows once, sums them per group, divides sums where a
// metric is a ratio, and writes or draws the result. No text of a row is ever read as HTML.
(() => {
  'use strict';

  const page = JSON.parse(document.getElementById('data').textContent);
  const rows = unpack(page.columns);
  const form = document.forms[0];
  const tiles = page.tiles.map((tile, index) => ({
    ...tile,
    descending: true,
    element: document.getElementById(`tile-${index}`),
  }));

  // Rows

  function unpack(columns) {
    const names = Object.keys(columns);
    const count = columns.account_id.rows.length;
    return Array.from({ length: count }, (_, index) =>
      Object.fromEntries(names.map((name) => {
        const { distinct, rows: positions } = columns[name];
        return [name, distinct[positions[index]]];
      })));
  }

  function account() {
    const chosen = form.elements.account?.value;
    return page.accounts.find(({ id }) => id === chosen) ?? page.accounts[0];
  }

  // The days in view and, of the same length, the days before them.
  function period() {
    const chosen = Number(form.elements.days.value);
    const { days, grain } = page.periods.find((period) => period.days === chosen);
    const to = account().data_to;
    const from = shift(to, 1 - days);
    return { days, grain, from, to, before: { from: shift(from, -days), to: shift(from, -1) } };
  }

  function isComplete({ from }) {
    return from >= account().complete_from;
  }

  function between({ from, to }) {
    const { id } = account();
    return rows.filter((row) => row.account_id === id && row.sent_on >= from && row.sent_on <= to);
  }

  function matching(rows, where) {
    const conditions = Object.entries(where);
    return rows.filter((row) => conditions.every(([name, value]) => row[name] === value));
  }

  function groups(rows, names) {
    const found = new Map();
    for (const row of rows) {
      const key = JSON.stringify(names.map((name) => row[name]));
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(row);
    }
    return [...found.values()];
  }

  // Null is "not measured" (an SMS has no opens): it adds nothing, and nothing but nulls is null.
  function sum(rows, name) {
    return rows.reduce((total, row) => (row[name] === null ? total : (total ?? 0) + row[name]), null);
  }

  function measure(rows, name) {
    const { ratio } = page.metrics[name];
    if (!ratio) return sum(rows, name);
    const [numerator, denominator] = ratio.map((part) => sum(rows, part));
    return numerator === null || !denominator ? null : numerator / denominator;
  }

  // Numbers, dates and names as text

  const formatters = new Map();
  function formatter(options) {
    const key = JSON.stringify(options);
    if (!formatters.has(key)) formatters.set(key, new Intl.NumberFormat(undefined, options));
    return formatters.get(key);
  }

  function numberStyle(format, value) {
    if (format === 'money' && account().currency) {
      const style = { style: 'currency', currency: account().currency, currencyDisplay: 'narrowSymbol' };
      return Math.abs(value) < 100 ? style : { ...style, maximumFractionDigits: 0 };
    }
    const [kind, places] = format.split('_'); // percent_1, decimal_2, integer; money of no currency
    const digits = Number(places ?? (kind === 'money' ? 2 : 0));
    const style = kind === 'percent' ? { style: 'percent' } : {};
    return { ...style, minimumFractionDigits: digits, maximumFractionDigits: digits };
  }

  function write(value, format) {
    return value === null ? '–' : formatter(numberStyle(format, value)).format(value);
  }

  function writeShort(value, format) {
    const brief = { notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 1 };
    return formatter({ ...numberStyle(format, value), ...brief }).format(value);
  }

  function instant(day) {
    return new Date(`${day}T00:00:00Z`);
  }

  function shift(day, days) {
    return new Date(instant(day).getTime() + days * 86400e3).toISOString().slice(0, 10);
  }

  function writeDay(day, options = { dateStyle: 'medium' }) {
    return new Intl.DateTimeFormat(undefined, { ...options, timeZone: 'UTC' }).format(instant(day));
  }

  function label(name, value) {
    return page.values[name]?.[value]?.label ?? String(value);
  }

  // A metric of the group, or the one or more values that the group has of a dimension.
  function cell(members, name) {
    if (name in page.metrics) return measure(members, name);
    const values = [...new Set(members.map((row) => row[name]))];
    return values.filter((value) => value !== null && value !== '').map((value) => label(name, value)).join(' / ');
  }

  function text(name, value) {
    if (name in page.metrics) return write(value, page.metrics[name].format);
    return name === 'sent_on' ? writeDay(value) : value;
  }

  function kind(name) {
    if (name in page.metrics) return 'number';
    if (name === 'sent_on') return 'date';
    return name in page.values ? 'code' : 'name';
  }

  // Elements

  function make(tag, content, className = '') {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...[content].flat());
    return element;
  }

  function makeCell(name, value, greatest) {
    const element = make('td', text(name, value), kind(name));
    if (greatest && value !== null) {
      element.classList.add('bar');
      element.style.setProperty('--share', value / greatest);
    }
    return element;
  }

  function makeRow(tile, names, line, greatest) {
    return make('tr', names.map((name) => makeCell(name, line[name], greatest[name])));
  }

  // Tiles

  function figures(tile, rows, { days, before }) {
    const earlier = isComplete(before) ? between(before) : null;
    for (const card of tile.element.children) {
      const { name } = card.dataset;
      const { format } = page.metrics[name];
      const value = measure(rows, name);
      card.querySelector('.value').textContent = write(value, format);
      const parts = groups(rows, tile.by)
        .map((members) => `${cell(members, tile.by[0])} ${write(measure(members, name), format)}`);
      card.querySelector('.parts').replaceChildren(...parts.sort().map((part) => make('span', part)));
      card.querySelector('.change').replaceChildren(
        ...change(value, earlier && measure(earlier, name), format, tile.better[name] ?? 'higher', days),
      );
    }
  }

  // Rates change by percentage points, everything else by its share.
  function change(value, earlier, format, better, days) {
    if (earlier === null) return [`No full ${days} days before to compare`];
    if (value === null || !earlier) return ['–'];
    const difference = value - earlier;
    const size = format.startsWith('percent')
      ? `${formatter({ maximumFractionDigits: 2 }).format(100 * Math.abs(difference))} points`
      : formatter({ style: 'percent', maximumFractionDigits: 1 }).format(Math.abs(difference / earlier));
    if (write(value, format) === write(earlier, format)) return [`unchanged at ${write(earlier, format)}`];
    const direction = difference > 0 ? 'higher' : 'lower';
    const judgement = better === 'neither' ? 'neither' : direction === better ? 'good' : 'bad';
    const mark = make('span', `${difference > 0 ? '▲ up' : '▼ down'} ${size}`, judgement);
    return [mark, ` from ${write(earlier, format)}`];
  }

  function chart(tile, rows, { grain, from, to }) {
    const [by] = tile.by;
    const [name] = tile.metrics;
    const { format } = page.metrics[name];
    const time = grain === 'week' ? 'sent_week' : 'sent_on';
    const found = new Map(groups(rows, [time, by]).map((members) => [
      `${members[0][time]} ${members[0][by]}`, measure(members, name),
    ]));
    const points = steps(grain, from, to).flatMap((x) => tile.series.map((part, position) => {
      const value = found.get(`${x} ${part.value}`) ?? (tile.chart === 'columns' ? 0 : null);
      const line = { x, x_text: writeX(x, grain), series: part.label, position, value, value_text: write(value, format) };
      return { ...line, text: `${line.x_text}, ${line.series}: ${line.value_text}` };
    }));
    tile.element.querySelector('.grain').textContent = grain === 'week'
      ? 'By week of sending, Monday to Sunday; the first and the last may be partial.'
      : 'By day of sending.';
    const isEmpty = [...found.values()].every((value) => value === null);
    show(tile, !isEmpty);
    // One drawing at a time: it takes a moment, and the next choice may come sooner.
    if (!isEmpty) tile.drawn = (tile.drawn ?? Promise.resolve()).then(() => draw(tile, points));
    tile.element.querySelector('.data > div').replaceChildren(dataTable(tile, points));
  }

  function steps(grain, from, to) {
    const days = grain === 'week' ? 7 : 1;
    const weekday = (instant(from).getUTCDay() + 6) % 7;
    const found = [];
    for (let x = days === 7 ? shift(from, -weekday) : from; x <= to; x = shift(x, days)) found.push(x);
    return found;
  }

  function writeX(x, grain) {
    return grain === 'week' ? `Week of ${writeDay(x)}` : writeDay(x);
  }

  async function draw(tile, points) {
    tile.view?.finalize();
    const spec = {
      ...tile.vega,
      data: tile.vega.data.map((source) => (source.name === 'rows' ? { ...source, values: points } : source)),
    };
    const { view } = await window.vegaEmbed(tile.element.querySelector('.body'), spec, {
      mode: 'vega',
      ast: true, // the policy of the page forbids code made from text
      renderer: 'svg',
      actions: false,
      defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
      expressionFunctions: {
        write: writeShort,
        write_x: (x) => writeDay(x, { day: 'numeric', month: 'short' }),
      },
    });
    tile.view = view;
  }

  function dataTable(tile, points) {
    const head = make('tr', ['Sent', ...tile.series.map((part) => part.label)].map((name) => make('th', name)));
    const body = groups(points, ['x']).map((line) => make('tr', [
      make('th', line[0].x_text), ...line.map((point) => make('td', point.value_text, 'number')),
    ]));
    head.querySelectorAll('th').forEach((cell, index) => {
      cell.scope = 'col';
      if (index) cell.className = 'number';
    });
    body.forEach((row) => { row.firstChild.scope = 'row'; });
    return make('table', [make('thead', head), make('tbody', body)]);
  }

  function heatmap(tile, rows) {
    const [down, across] = tile.by;
    const [name] = tile.metrics;
    const cells = new Map(groups(rows, tile.by)
      .filter((members) => Object.entries(tile.minimum).every(([sum, least]) => measure(members, sum) >= least))
      .map((members) => [`${members[0][down]} ${members[0][across]}`, measure(members, name)])
      .filter(([, value]) => value !== null));
    const hours = [...cells.keys()].map((key) => Number(key.split(' ')[0]));
    const greatest = Math.max(...cells.values());
    const columns = Object.entries(page.values[across]);
    const head = make('tr', [make('td', ''), ...columns.map(([, { label }]) => make('th', label))]);
    const body = [];
    for (let hour = Math.min(...hours); hour <= Math.max(...hours); hour += 1) {
      const line = columns.map(([value]) => heatCell(cells.get(`${hour} ${value}`), greatest, name));
      body.push(make('tr', [make('th', `${String(hour).padStart(2, '0')}:00`), ...line]));
    }
    head.querySelectorAll('th').forEach((cell) => { cell.scope = 'col'; });
    body.forEach((row) => { row.firstChild.scope = 'row'; });
    show(tile, cells.size > 0);
    tile.element.querySelector('.body').replaceChildren(
      make('table', [make('thead', head), make('tbody', body)], 'heat'),
    );
  }

  function heatCell(value, greatest, name) {
    if (value === undefined) return make('td', '');
    const element = make('td', text(name, value), value === greatest ? 'best' : '');
    element.style.setProperty('--share', `${10 + (50 * value) / greatest}%`);
    return element;
  }

  function table(tile, rows) {
    const names = [...tile.columns, ...tile.metrics];
    const lines = groups(rows, tile.by)
      .map((members) => Object.fromEntries(names.map((name) => [name, cell(members, name)])))
      .filter((line) => matches(line, tile.search))
      .sort((a, b) => compare(a[tile.order], b[tile.order]) * (tile.descending ? -1 : 1));
    const greatest = Object.fromEntries(tile.bars.map((name) => [name, Math.max(...lines.map((line) => line[name]))]));
    const shown = tile.showAll ? lines : lines.slice(0, tile.limit);
    const body = make('tbody', shown.map((line) => makeRow(tile, names, line, greatest)));
    tile.element.querySelector('tbody')?.remove();
    tile.element.querySelector('table').append(body);
    show(tile, lines.length > 0);
    if (tile.interactive) describe(tile, shown.length, lines.length);
  }

  function matches(line, search) {
    if (!search) return true;
    return Object.values(line).some((value) => typeof value === 'string' && value.toLowerCase().includes(search));
  }

  // Nothing sorts as the smallest.
  function compare(a, b) {
    if (typeof a === 'string') return a.localeCompare(b);
    return (a ?? -Infinity) - (b ?? -Infinity) || 0;
  }

  function describe(tile, shown, all) {
    tile.element.querySelector('.count').textContent = `${shown} of ${all}`;
    const more = tile.element.querySelector('.more');
    more.hidden = all <= tile.limit;
    more.textContent = tile.showAll ? `Show the first ${tile.limit}` : `Show all ${all}`;
    for (const heading of tile.element.querySelectorAll('thead th')) {
      heading.removeAttribute('aria-sort');
      if (heading.dataset.name === tile.order) {
        heading.setAttribute('aria-sort', tile.descending ? 'descending' : 'ascending');
      }
    }
  }

  // One body of rows per message, its versions side by side.
  function tests(tile, rows) {
    const names = [...tile.versions, ...tile.metrics];
    const latest = groups(rows, tile.by)
      .sort((a, b) => compare(b[0].sent_on, a[0].sent_on))
      .slice(0, tile.limit);
    const greatest = Object.fromEntries(tile.bars.map((name) => [
      name, Math.max(...latest.flatMap((members) => groups(members, tile.versions).map((version) => measure(version, name)))),
    ]));
    const bodies = latest.map((members) => {
      const lines = groups(members, tile.versions)
        .map((version) => Object.fromEntries(names.map((name) => [name, cell(version, name)])))
        .sort((a, b) => compare(b[tile.order], a[tile.order]));
      return make('tbody', [testHeading(tile, members, names.length), ...lines.map((line) => makeRow(tile, names, line, greatest))]);
    });
    tile.element.querySelectorAll('tbody').forEach((body) => body.remove());
    tile.element.querySelector('table').append(...bodies);
    show(tile, bodies.length > 0);
  }

  function testHeading(tile, members, width) {
    const [title, ...rest] = tile.columns.map((name) => text(name, cell(members, name)));
    const heading = make('th', [title, make('small', rest.join(' · '))]);
    heading.colSpan = width;
    heading.scope = 'rowgroup';
    return make('tr', heading, 'group');
  }

  // The tile's content, or a line saying that there is none.
  function show(tile, hasContent) {
    tile.element.querySelector('.empty').hidden = hasContent;
    tile.element.querySelector('.body').hidden = !hasContent;
  }

  const renderers = { figures, columns: chart, lines: chart, heatmap, table, tests };

  // The page

  function render(tile) {
    const days = period();
    renderers[tile.chart](tile, matching(between(days), tile.where), days);
  }

  function renderAll() {
    const { name, id, currency, data_from: first, data_to: last, is_test: isTest, synced_at: synced } = account();
    const { from, to, before } = period();
    document.getElementById('account').textContent = name || id;
    document.getElementById('range').textContent = [
      `${writeDay(from)} – ${writeDay(to)}`,
      isComplete(before) ? `, compared with ${writeDay(before.from)} – ${writeDay(before.to)}` : '',
      currency ? `. Amounts in ${currency}.` : '.',
    ].join('');
    document.getElementById('sandbox').hidden = !isTest;
    document.getElementById('sync').textContent = `Data from ${writeDay(first)} to ${writeDay(last)}, last synced ${
      new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(synced))} UTC.`;
    tiles.forEach(render);
  }

  function listen(tile) {
    tile.element.querySelector('input').addEventListener('input', (event) => {
      tile.search = event.target.value.trim().toLowerCase();
      render(tile);
    });
    tile.element.querySelector('.more').addEventListener('click', () => {
      tile.showAll = !tile.showAll;
      render(tile);
    });
    tile.element.querySelectorAll('thead button').forEach((button) => button.addEventListener('click', () => {
      const { name } = button.closest('th').dataset;
      tile.descending = name === tile.order ? !tile.descending : name in page.metrics;
      tile.order = name;
      render(tile);
    }));
  }

  tiles.filter((tile) => tile.interactive).forEach(listen);
  form.addEventListener('change', renderAll);
  renderAll();
})();
