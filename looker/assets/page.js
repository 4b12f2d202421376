// The page's own script. It selects rows, sums them per group, divides sums where a metric is a
// ratio, and writes or draws the result. No text of a row is ever read as HTML.
//
// Every choice of the reader is the value of a control of one form, so that the address (its hash)
// holds them all and brings them back.
(async () => {
  'use strict';

  const page = JSON.parse(await unpacked('data'));
  const main = page.models[page.model];
  const form = document.getElementById('choices');
  const controls = form.elements;
  const initial = Object.fromEntries(new FormData(form));
  const tiles = page.tiles.map((tile) => ({
    ...tile,
    model: page.models[tile.model],
    element: document.getElementById(tile.slug),
    drawn: Promise.resolve(),
  }));

  async function unpacked(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Response(text).text();
  }

  // Rows, by their number. A dimension is a column {distinct, rows}: its values, and row by row
  // their positions.

  function valueOf({ distinct, rows }, row) {
    return distinct[rows[row]];
  }

  // The rows that meet all conditions, [dimension, test of a value]; each value is tested once.
  function select({ dimensions }, conditions) {
    const masks = conditions.map(([name, test]) => ({
      rows: dimensions[name].rows,
      passes: dimensions[name].distinct.map((value) => test(value)),
    }));
    const found = [];
    for (let row = 0; row < dimensions.account_id.rows.length; row += 1) {
      if (masks.every(({ rows, passes }) => passes[rows[row]])) found.push(row);
    }
    return found;
  }

  function groups(rows, columns) {
    const found = new Map();
    for (const row of rows) {
      const key = columns.reduce((number, column) => number * column.distinct.length + column.rows[row], 0);
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(row);
    }
    return [...found.values()];
  }

  function mapped({ distinct, rows }, change) {
    const changed = distinct.map(change);
    const values = [...new Set(changed)];
    const positions = new Map(values.map((value, index) => [value, index]));
    return { distinct: values, rows: rows.map((position) => positions.get(changed[position])) };
  }

  // Null is "not measured" (an SMS has no opens): it adds nothing, and nothing but nulls is null.
  function sum({ sums }, rows, name) {
    const column = sums[name];
    return rows.reduce((total, row) => (column[row] === null ? total : (total ?? 0) + column[row]), null);
  }

  function measure(model, rows, name) {
    const { ratio } = page.metrics[name];
    if (!ratio) return sum(model, rows, name);
    const [numerator, denominator] = ratio.map((part) => sum(model, rows, part));
    return numerator === null || !denominator ? null : numerator / denominator;
  }

  // Choices

  function chosen(name) {
    return controls[name]?.value ?? '';
  }

  function account() {
    return page.accounts.find(({ id }) => id === chosen('account')) ?? page.accounts[0];
  }

  // The days in view and, of the same length, the days before them.
  function period() {
    const last = account().data_to;
    const isCustom = chosen('days') === 'custom';
    const days = isCustom ? 30 : Number(chosen('days'));
    const ends = [(isCustom && chosen('from')) || shift(last, 1 - days), (isCustom && chosen('to')) || last];
    const [from, to] = ends.map((day) => [page.since, day, last].sort()[1]).sort();
    const length = (instant(to) - instant(from)) / DAY + 1;
    const { grain } = page.periods.find((known) => length <= known.days) ?? page.periods.at(-1);
    return { days: length, grain, from, to, before: { from: shift(from, -length), to: shift(from, -1) } };
  }

  // Whether the page, and what was synced, reach back to the first of those days.
  function isComplete(model, { from }) {
    if (from < page.since) return false;
    if (model === main) return from >= account().complete_from;
    const date = model.dimensions[model.date];
    const days = select(model, [ofAccount()]).map((row) => valueOf(date, row));
    return days.some((day) => day <= from);
  }

  function ofAccount() {
    const { id } = account();
    return ['account_id', (value) => value === id];
  }

  function rowsOf({ model, dated, where }, { from, to }) {
    const filters = Object.keys(page.filters).filter((name) => chosen(name) && name in model.dimensions);
    return select(model, [
      ofAccount(),
      ...(dated ? [[model.date, (day) => day >= from && day <= to]] : []),
      ...Object.entries(where).map(([name, wanted]) => [name, (value) => value === wanted]),
      ...filters.map((name) => [name, accepted(name)]),
    ]);
  }

  function accepted(name) {
    const choice = chosen(name);
    if (controls[name].list) return (value) => contains(value, choice);
    return (value) => parts(name, value).includes(choice);
  }

  function contains(text, part) {
    return typeof text === 'string' && text.toLowerCase().includes(part.trim().toLowerCase());
  }

  // The values that a value lists: itself, unless its dimension is one of lists.
  function parts(name, value) {
    if (value === null || value === '') return [];
    return page.lists.includes(name) ? value.split(', ') : [String(value)];
  }

  // Fills the filters with the account's values.
  function offer() {
    for (const name of Object.keys(page.filters)) {
      const column = main.dimensions[name];
      const found = new Set(select(main, [ofAccount()]).map((row) => valueOf(column, row)));
      const declared = Object.keys(page.values[name] ?? {});
      const values = [...new Set([...found].flatMap((value) => parts(name, value)))]
        .sort((a, b) => declared.indexOf(a) - declared.indexOf(b) || a.localeCompare(b));
      const options = values.map((value) => new Option(label(name, value), value));
      const control = controls[name];
      if (control.list) control.list.replaceChildren(...options);
      else {
        const { value } = control;
        control.replaceChildren(control.options[0], ...options);
        set(name, value);
      }
    }
  }

  function set(name, value) {
    controls[name].value = value;
    if (controls[name].value !== value) controls[name].value = initial[name];
  }

  // The address of this view, or of one that differs from it; what is as at first is left out.
  function address(differences) {
    const all = Object.entries({ ...Object.fromEntries(new FormData(form)), ...differences });
    return `#${new URLSearchParams(all.filter(([name, value]) => value !== initial[name]))}`;
  }

  function restore() {
    const saved = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const names = Object.keys(initial);
    if (controls.account) set('account', saved.account ?? initial.account);
    offer();
    names.forEach((name) => set(name, saved[name] ?? initial[name]));
    if (!page.pages.includes(chosen('page'))) set('page', initial.page);
  }

  // Numbers, dates and names as text

  const formatters = new Map();
  function formatter(options) {
    const key = JSON.stringify(options);
    if (!formatters.has(key)) formatters.set(key, new Intl.NumberFormat(undefined, options));
    return formatters.get(key);
  }

  // Amounts below 100 have cents, unless they are written beside a greater one.
  function numberStyle(format, greatest) {
    if (format === 'money' && account().currency) {
      const style = { style: 'currency', currency: account().currency, currencyDisplay: 'narrowSymbol' };
      return Math.abs(greatest) < 100 ? style : { ...style, maximumFractionDigits: 0 };
    }
    const [kind, places] = format.split('_'); // percent_1, decimal_2, times_1, integer; money of no currency
    const digits = Number(places ?? (kind === 'money' ? 2 : 0));
    const style = kind === 'percent' ? { style: 'percent' } : {};
    return { ...style, minimumFractionDigits: digits, maximumFractionDigits: digits };
  }

  function write(value, format, greatest = value) {
    if (value === null) return '–';
    return formatter(numberStyle(format, greatest)).format(value) + (format.startsWith('times') ? '×' : '');
  }

  function writeShort(value, format) {
    const brief = { notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 2 };
    return formatter({ ...numberStyle(format, value), ...brief }).format(value);
  }

  const DAY = 86400e3;

  function instant(day) {
    return new Date(`${day}T00:00:00Z`);
  }

  function shift(day, days) {
    return new Date(instant(day).getTime() + days * DAY).toISOString().slice(0, 10);
  }

  function monday(day) {
    return shift(day, -((instant(day).getUTCDay() + 6) % 7));
  }

  function writeDay(day, options = { dateStyle: 'medium' }) {
    return new Intl.DateTimeFormat(undefined, { ...options, timeZone: 'UTC' }).format(instant(day));
  }

  function label(name, value) {
    return page.values[name]?.[value]?.label ?? String(value);
  }

  // A metric of the group, the latest of its dates, its one number, or the values of a dimension.
  function cell(model, rows, name) {
    if (name in page.metrics) return measure(model, rows, name);
    const column = model.dimensions[name];
    const values = [...new Set(rows.map((row) => valueOf(column, row)))]
      .filter((value) => value !== null && value !== '');
    if (page.dates.includes(name)) return values.sort().at(-1) ?? '';
    if (name in page.formats) return values[0] ?? null;
    return values.map((value) => label(name, value)).join(' / ');
  }

  function text(name, value, greatest) {
    if (name in page.formats) return write(value, page.formats[name], greatest);
    return value && page.dates.includes(name) ? writeDay(value) : value;
  }

  function kind(name) {
    if (name in page.formats) return 'number';
    if (page.dates.includes(name)) return 'date';
    return name in page.values ? 'code' : 'name';
  }

  // Elements

  function make(tag, content, className = '') {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...[content].flat());
    return element;
  }

  // Names in code are long words: on a phone they may go on in the next line after an underscore.
  function breakable(words) {
    return words.split(/(?<=_)/).flatMap((part) => [part, make('wbr', '')]);
  }

  function makeCell({ bars }, name, value, greatest) {
    const element = make('td', breakable(text(name, value, greatest)), kind(name));
    if (bars.includes(name) && value !== null) {
      element.classList.add('bar');
      element.style.setProperty('--share', value / greatest);
    }
    return element;
  }

  function makeRow(tile, names, line, most) {
    return make('tr', names.map((name) => makeCell(tile, name, line[name], most[name])));
  }

  // Tiles

  function figures(tile, rows, { days, before }) {
    const { model, by: [by] } = tile;
    const earlier = isComplete(model, before) ? rowsOf(tile, before) : null;
    for (const card of tile.element.querySelectorAll('.figure')) {
      const { name } = card.dataset;
      const format = page.formats[name];
      const value = measure(model, rows, name);
      card.querySelector('.value').textContent = write(value, format);
      const shares = (by ? groups(rows, [model.dimensions[by]]) : [])
        .map((members) => `${cell(model, members, by)} ${write(measure(model, members, name), format, value)}`);
      card.querySelector('.parts').replaceChildren(...shares.sort().map((share) => make('span', share)));
      if (!tile.dated) continue;
      card.querySelector('.change').replaceChildren(...earlier
        ? change(value, measure(model, earlier, name), format, tile.better[name] ?? 'higher')
        : [`No full ${days === 1 ? 'day' : `${days} days`} before to compare`]);
    }
    show(tile, rows.length > 0);
  }

  // Rates change by percentage points, everything else by its share; nothing, by nothing.
  function change(value, earlier, format, better) {
    if (earlier === null) return [];
    const before = write(earlier, format, value ?? earlier);
    if (value === null || !earlier) return [`from ${before}`];
    const difference = value - earlier;
    const size = format.startsWith('percent')
      ? `${formatter({ maximumFractionDigits: 2 }).format(100 * Math.abs(difference))} points`
      : formatter({ style: 'percent', maximumFractionDigits: 1 }).format(Math.abs(difference / earlier));
    if (write(value, format) === before) return [`unchanged at ${before}`];
    const direction = difference > 0 ? 'higher' : 'lower';
    const judgement = better === 'neither' ? 'neither' : direction === better ? 'good' : 'bad';
    const mark = make('span', `${difference > 0 ? '▲ up' : '▼ down'} ${size}`, judgement);
    return [mark, ` from ${before}`];
  }

  function chart(tile, rows, { grain, from, to }) {
    const { model, series, metrics } = tile;
    const format = page.formats[metrics[0]];
    const step = (day) => (grain === 'week' ? monday(day) : day);
    const date = mapped(model.dimensions[model.date], step);
    const found = cells(tile, rows, date);
    const most = Math.max(...[...found.values()].map(Math.abs));
    const lines = steps(grain, step(from), to).map((x) => series.map((part, position) => {
      const value = found.get(`${x} ${part.value}`) ?? (tile.chart === 'columns' ? 0 : null);
      const point = { x, x_text: writeX(x, grain), series: part.label, position, value, value_text: write(value, format, most) };
      return { ...point, text: `${point.x_text}, ${point.series}: ${point.value_text}` };
    }));
    const by = model.date_label.toLowerCase();
    tile.element.querySelector('.grain').textContent = grain === 'week'
      ? `Weeks from Monday to Sunday, by ${by}; the first and the last may be partial.`
      : `Days, by ${by}.`;
    const isEmpty = [...found.values()].every((value) => value === null);
    show(tile, !isEmpty);
    tile.points = lines.flat();
    if (!isEmpty) drawNext(tile, tile.points);
    tile.element.querySelector('.data > div').replaceChildren(dataTable(tile, lines));
  }

  // Values by time and part: a part is a value of the dimension, or one of several metrics.
  function cells({ model, metrics, by: [by] }, rows, date) {
    const found = new Map();
    const column = model.dimensions[by];
    for (const members of groups(rows, by ? [date, column] : [date])) {
      const x = valueOf(date, members[0]);
      for (const name of metrics) {
        found.set(`${x} ${by ? valueOf(column, members[0]) : name}`, measure(model, members, name));
      }
    }
    return found;
  }

  function steps(grain, from, to) {
    const found = [];
    for (let x = from; x <= to; x = shift(x, grain === 'week' ? 7 : 1)) found.push(x);
    return found;
  }

  function writeX(x, grain) {
    return grain === 'week' ? `Week of ${writeDay(x)}` : writeDay(x);
  }

  // One drawing at a time: it takes a moment, and the next choice may come sooner.
  function drawNext(tile, points) {
    tile.drawn = tile.drawn.then(() => (points === tile.points ? draw(tile, points) : null));
  }

  // The library is unpacked when the first chart is drawn; the page's policy knows its digest.
  let library = null;
  async function loadLibrary() {
    const script = document.createElement('script');
    script.textContent = await unpacked('library');
    document.head.append(script);
  }

  async function draw(tile, points) {
    await (library ??= loadLibrary());
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

  function dataTable({ series }, lines) {
    const head = make('tr', ['Date', ...series.map((part) => part.label)].map((name) => make('th', name)));
    const body = lines.map((line) => make('tr', [
      make('th', line[0].x_text), ...line.map((point) => make('td', point.value_text, 'number')),
    ]));
    head.querySelectorAll('th').forEach((heading, index) => {
      heading.scope = 'col';
      if (index) heading.className = 'number';
    });
    body.forEach((row) => { row.firstChild.scope = 'row'; });
    return make('table', [make('thead', head), make('tbody', body)]);
  }

  // Whether a group is large enough to be shown.
  function isEnough({ model, minimum }, rows) {
    return Object.entries(minimum).every(([name, least]) => {
      const value = measure(model, rows, name);
      return value !== null && value >= least;
    });
  }

  function heatmap(tile, rows) {
    const { model, by: [down, across], metrics: [name] } = tile;
    const columns = Object.entries(page.values[across]);
    const found = new Map(groups(rows, tile.by.map((dimension) => model.dimensions[dimension]))
      .filter((members) => isEnough(tile, members))
      .map((members) => [
        tile.by.map((dimension) => valueOf(model.dimensions[dimension], members[0])).join(' '),
        measure(model, members, name),
      ])
      .filter(([, value]) => value !== null));
    const hours = [...found.keys()].map((key) => Number(key.split(' ')[0]));
    const greatest = Math.max(...found.values());
    const head = make('tr', [make('td', ''), ...columns.map(([, { label: day }]) => make('th', day))]);
    const body = [];
    for (let hour = Math.min(...hours); hour <= Math.max(...hours); hour += 1) {
      const line = columns.map(([value]) => heatCell(found.get(`${hour} ${value}`), greatest, name));
      body.push(make('tr', [make('th', `${String(hour).padStart(2, '0')}:00`), ...line]));
    }
    head.querySelectorAll('th').forEach((heading) => { heading.scope = 'col'; });
    body.forEach((row) => { row.firstChild.scope = 'row'; });
    show(tile, found.size > 0);
    tile.element.querySelector('.body').replaceChildren(
      make('table', [make('thead', head), make('tbody', body)], 'heat'),
    );
  }

  function heatCell(value, greatest, name) {
    if (value === undefined) return make('td', '');
    const element = make('td', text(name, value, greatest), value === greatest ? 'best' : '');
    element.style.setProperty('--share', `${10 + (50 * value) / greatest}%`);
    return element;
  }

  function table(tile, rows) {
    const { model, columns, metrics, slug } = tile;
    const names = [...columns, ...metrics];
    const { order, isDescending } = sorting(tile);
    const lines = groups(rows, tile.by.map((name) => model.dimensions[name]))
      .filter((members) => isEnough(tile, members))
      .map((members) => Object.fromEntries(names.map((name) => [name, cell(model, members, name)])))
      .filter((line) => Object.values(line).some((value) => contains(value, chosen(`search-${slug}`))))
      .sort((a, b) => compare(a[order], b[order]) * (isDescending ? -1 : 1));
    const shown = chosen(`rows-${slug}`) === 'all' ? lines : lines.slice(0, tile.limit);
    const most = greatest(tile, lines);
    tile.element.querySelector('tbody')?.remove();
    tile.element.querySelector('table').append(make('tbody', shown.map((line) => makeRow(tile, names, line, most))));
    show(tile, lines.length > 0);
    if (tile.interactive) describe(tile, shown.length, lines.length);
  }

  // Of each metric, the value farthest from zero.
  function greatest({ metrics }, lines) {
    return Object.fromEntries(metrics.map((name) => [name, Math.max(...lines.map((line) => Math.abs(line[name])))]));
  }

  function sorting({ slug, order }) {
    const sort = chosen(`sort-${slug}`) || `-${order}`;
    return { order: sort.replace(/^-/, ''), isDescending: sort.startsWith('-') };
  }

  // Nothing sorts as the smallest.
  function compare(a, b) {
    if (typeof a === 'string') return a.localeCompare(b);
    return (a ?? -Infinity) - (b ?? -Infinity) || 0;
  }

  function describe(tile, shown, all) {
    const { order, isDescending } = sorting(tile);
    tile.element.querySelector('.count').textContent = `${shown} of ${all}`;
    const more = tile.element.querySelector('.more');
    more.hidden = all <= tile.limit;
    more.textContent = shown > tile.limit ? `Show the first ${tile.limit}` : `Show all ${all}`;
    for (const heading of tile.element.querySelectorAll('thead th')) {
      if (heading.dataset.name === order) heading.ariaSort = isDescending ? 'descending' : 'ascending';
      else heading.removeAttribute('aria-sort');
    }
  }

  // One body of rows per message, its versions side by side.
  function tests(tile, rows) {
    const { model, versions, order } = tile;
    const names = [...versions, ...tile.metrics];
    const column = (name) => model.dimensions[name];
    const found = groups(rows, tile.by.map(column))
      .sort((a, b) => compare(cell(model, b, model.date), cell(model, a, model.date)))
      .slice(0, tile.limit)
      .map((members) => ({
        members,
        lines: groups(members, versions.map(column))
          .map((version) => Object.fromEntries(names.map((name) => [name, cell(model, version, name)])))
          .sort((a, b) => compare(b[order], a[order])),
      }));
    const most = greatest(tile, found.flatMap(({ lines }) => lines));
    const bodies = found.map(({ members, lines }) => make('tbody', [
      testHeading(tile, members, names.length), ...lines.map((line) => makeRow(tile, names, line, most)),
    ]));
    tile.element.querySelectorAll('tbody').forEach((body) => body.remove());
    tile.element.querySelector('table').append(...bodies);
    show(tile, bodies.length > 0);
  }

  function testHeading({ model, columns }, members, width) {
    const [title, ...rest] = columns.map((name) => text(name, cell(model, members, name))).filter(Boolean);
    const heading = make('th', make('span', [title, make('small', rest.join(' · '))]));
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
    const ignored = Object.keys(page.filters).filter((name) => chosen(name) && !(name in tile.model.dimensions));
    const note = tile.element.querySelector('.unfiltered');
    note.textContent = `Not filtered by ${ignored.map((name) => page.filters[name].toLowerCase()).join(', ')}.`;
    note.hidden = ignored.length === 0;
    renderers[tile.chart](tile, rowsOf(tile, days), days);
  }

  // Writes the choices into the address and draws the page that is open.
  function renderPage() {
    const open = chosen('page');
    const nav = document.querySelector('nav');
    history.replaceState(null, '', address());
    document.querySelectorAll('section').forEach((section) => { section.hidden = section.dataset.page !== open; });
    nav.querySelectorAll('a').forEach((link) => {
      link.href = address({ page: link.dataset.page });
      link.removeAttribute('aria-current');
      if (link.dataset.page !== open) return;
      link.ariaCurrent = 'page';
      nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    });
    introduce();
    tiles.filter((tile) => tile.page === open).forEach(render);
  }

  function introduce() {
    const { name, id, currency, data_from: first, data_to: last, is_test: isTest, synced_at: synced } = account();
    const { from, to, before } = period();
    const filters = Object.keys(page.filters).filter(chosen);
    const isCustom = chosen('days') === 'custom';
    document.getElementById('account').textContent = name || id;
    document.getElementById('range').textContent = [
      `${writeDay(from)} – ${writeDay(to)}`,
      isComplete(main, before) ? `, compared with ${writeDay(before.from)} – ${writeDay(before.to)}` : '',
      currency ? `. Amounts in ${currency}.` : '.',
      ...filters.map((filter) => ` ${page.filters[filter]}: ${label(filter, chosen(filter))}.`),
    ].join('');
    document.querySelectorAll('.day').forEach((element) => {
      element.hidden = !isCustom;
      element.control.max = last;
    });
    document.getElementById('clear').hidden = filters.length === 0;
    document.getElementById('sandbox').hidden = !isTest;
    document.getElementById('sync').textContent = `Data from ${writeDay(first)} to ${writeDay(last)}, last synced ${
      new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(synced))} UTC.`;
  }

  // A choice within a tile concerns that tile alone.
  function renderAfter(control) {
    const tile = tiles.find(({ element }) => element.contains(control));
    if (!tile) renderPage();
    else {
      history.replaceState(null, '', address());
      render(tile);
    }
  }

  document.addEventListener('input', ({ target }) => {
    if (target.name === 'account') offer();
    if (target.name === 'days' && target.value === 'custom') {
      const { from, to } = period();
      controls.from.value ||= from;
      controls.to.value ||= to;
    }
    renderAfter(target);
  });

  document.getElementById('clear').addEventListener('click', () => {
    Object.keys(page.filters).forEach((name) => set(name, ''));
    renderPage();
  });

  tiles.filter((tile) => tile.interactive).forEach((tile) => {
    const { slug, element } = tile;
    element.querySelector('.more').addEventListener('click', ({ target }) => {
      const rows = `rows-${slug}`;
      set(rows, chosen(rows) === 'all' ? initial[rows] : 'all');
      renderAfter(target);
    });
    element.querySelectorAll('thead button').forEach((button) => button.addEventListener('click', () => {
      const { name } = button.closest('th').dataset;
      const { order, isDescending } = sorting(tile);
      const descends = name === order ? !isDescending : name in page.metrics;
      set(`sort-${slug}`, `${descends ? '-' : ''}${name}`);
      renderAfter(button);
    }));
  });

  window.addEventListener('hashchange', () => {
    restore();
    renderPage();
  });

  restore();
  renderPage();
  document.querySelector('main').ariaBusy = 'false';
})();
