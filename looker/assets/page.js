// The script of the dashboard's page. It selects rows, groups them, sums each group, divides sums
// where a metric is a ratio, and writes or draws the result. The text of a row never becomes HTML.
//
// Every choice of the reader is the value of a control of one form:
//
//   address (its hash) <-> form -> period and conditions -> rows -> groups -> values -> tiles
//
// So the address holds the whole view, and opening it restores the view.

const DAY = 86_400_000; // milliseconds

const dashboard = JSON.parse(await decompress('data'));
for (const { dimensions } of Object.values(dashboard.models)) {
  for (const name of Object.keys(dimensions)) dimensions[name] = decodeColumn(dimensions[name]);
}
const mainModel = dashboard.models[dashboard.model];
const { tiles } = dashboard;
for (const tile of tiles) {
  tile.model = dashboard.models[tile.model];
  tile.element = document.getElementById(tile.slug);
  tile.drawing = Promise.resolve();
}
// A metric is in many tiles: the page holds its definition once.
for (const place of document.querySelectorAll('[data-metric]')) {
  place.textContent = dashboard.metrics[place.dataset.metric].definition;
}

const form = document.getElementById('choices');
const controls = form.elements;
const defaults = Object.fromEntries(new FormData(form));

function decompress(id) {
  const compressed = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(compressed, (letter) => letter.codePointAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}

// The page holds how far each row's value is from that of the row before, and of values that only
// group rows their number.
function decodeColumn({ distinct, steps }) {
  let position = 0;
  const rows = steps.map((step) => {
    position += step;
    return position;
  });
  return { distinct: Array.isArray(distinct) ? distinct : Array.from({ length: distinct }, (_, index) => index), rows };
}

// Rows, by their number. A dimension is a column {distinct, rows}: its distinct values, and for
// each row the position of its value among them.

function getValue({ distinct, rows }, row) {
  return distinct[rows[row]];
}

// The rows that meet all conditions, [dimension, test of a value]. Each distinct value is tested
// once, and not once per row.
function selectRows({ dimensions }, conditions) {
  const masks = conditions.map(([name, test]) => ({
    rows: dimensions[name].rows,
    passes: dimensions[name].distinct.map((value) => test(value)),
  }));
  const selected = [];
  for (let row = 0; row < dimensions.account_id.rows.length; row += 1) {
    if (masks.every(({ rows, passes }) => passes[rows[row]])) selected.push(row);
  }
  return selected;
}

// The rows of each combination of values. Its key is one number, with the columns as digits.
function groupRows(rows, columns) {
  const groups = new Map();
  for (const row of rows) {
    const key = columns.reduce((number, column) => number * column.distinct.length + column.rows[row], 0);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return [...groups.values()];
}

// The column with each value converted, such as days to weeks.
function mapColumn({ distinct, rows }, convert) {
  const converted = distinct.map((value) => convert(value));
  const values = [...new Set(converted)];
  const positions = new Map(values.map((value, index) => [value, index]));
  return { distinct: values, rows: rows.map((position) => positions.get(converted[position])) };
}

// Null is "not measured" (an SMS has no opens): it adds nothing, and a sum of nulls is null.
function sumRows({ sums }, rows, name) {
  const column = sums[name];
  return rows.reduce((total, row) => (column[row] === null ? total : (total ?? 0) + column[row]), null);
}

function computeMetric(model, rows, name) {
  const { ratio } = dashboard.metrics[name];
  const counted = selectCounted(model, rows, name);
  if (!ratio) return sumRows(model, counted, name);
  const [numerator, denominator] = ratio.map((part) => sumRows(model, counted, part));
  return numerator === null || !denominator ? null : numerator / denominator;
}

function selectCounted(model, rows, name) {
  return countsPeople(name) ? selectPeople(model, rows) : selectDays(model, rows);
}

function countsPeople(name) {
  return Boolean(dashboard.metrics[name].by_day);
}

// The number of orders, clicks and so on that a metric is made of.
function countEvents(model, rows, name) {
  const { events } = dashboard.metrics[name];
  return events in model.sums ? sumRows(model, selectCounted(model, rows, name), events) : null;
}

// Whether what is counted has values of its own: orders of revenue, but not clicks of a click rate.
function isOfAmounts(name) {
  const { events, ratio } = dashboard.metrics[name];
  return events !== (ratio ? ratio[0] : name);
}

// People. Klaviyo counts a person once in each period, so a flow's days do not add up to it. Behind
// the daily rows of the main model are rows of whole periods, which have a first and a last day.

function isOfPeriod(model, row) {
  return model === mainModel && getValue(model.dimensions.period_start, row) !== null;
}

// Whether a daily row counts people that a row of a period counts too.
function isOfPeople({ dimensions }, row) {
  return Object.entries(dashboard.people.where).every(([name, wanted]) => getValue(dimensions[name], row) === wanted);
}

function selectDays(model, rows) {
  return rows.filter((row) => !isOfPeriod(model, row));
}

// The rows of the period in place of the daily ones, if the chosen days are a period.
function selectPeople(model, rows) {
  if (!rows.some((row) => isOfPeriod(model, row))) return rows;
  return rows.filter((row) => isOfPeriod(model, row) || !isOfPeople(model, row));
}

// Whether some people are counted once a day: those of several days that are no period.
function isByDay(model, rows, { from, to }) {
  return model === mainModel && from !== to
    && rows.some((row) => isOfPeople(model, row)) && !rows.some((row) => isOfPeriod(model, row));
}

// Says so in a tile: its metrics of people have other names then.
function labelPeople(tile, byDay) {
  const metrics = tile.metrics.filter((name) => countsPeople(name));
  for (const name of metrics) {
    const { label, by_day: daily } = dashboard.metrics[name];
    for (const element of tile.element.querySelectorAll(`[data-label="${name}"]`)) {
      element.textContent = byDay ? daily : label;
    }
  }
  if (tile.series && metrics.length > 0) {
    const of = Object.entries(tile.where).map(([name, value]) => getLabel(name, value));
    const title = [dashboard.metrics[metrics[0]].by_day, ...of].join(', ');
    tile.element.querySelector('h3').textContent = byDay ? title : tile.title;
  }
  const note = tile.element.querySelector('.by-day');
  note.textContent = dashboard.people[tile.series ? 'chart_note' : 'note'];
  note.hidden = !byDay || metrics.length === 0;
}

// The rows of the series that a chart draws: those of too few have no line, and need no other name.
function selectDrawn({ minimum, by: [by], model, ...tile }, rows, { grain }) {
  if (!tile.series || !by) return rows;
  const date = mapColumn(model.dimensions[model.date], (day) => getStep(day, grain));
  return groupRows(rows, [model.dimensions[by]])
    .filter((part) => groupRows(part, [date]).some((step) => meetsMinimum({ ...tile, model, minimum }, step)))
    .flat();
}

// The first day of the step of a day; a row of a period has no day.
function getStep(day, grain) {
  return day !== null && grain === 'week' ? getMonday(day) : day;
}

// Choices

function getChoice(name) {
  return controls[name]?.value ?? '';
}

function getAccount() {
  return dashboard.accounts.find(({ id }) => id === getChoice('account')) ?? dashboard.accounts[0];
}

function getChosenFilters() {
  return Object.keys(dashboard.filters).filter((name) => getChoice(name).trim());
}

// The first and last day of each choice that is a part of the calendar.
const CALENDAR = {
  yesterday: (today) => [addDays(today, -1), addDays(today, -1)],
  this_month: (today) => [getStart(today, 1), today],
  last_month: (today) => [getStart(addMonths(today, -1), 1), addDays(getStart(today, 1), -1)],
  this_quarter: (today) => [getStart(today, 3), today],
  last_quarter: (today) => [getStart(addMonths(today, -3), 3), addDays(getStart(today, 3), -1)],
  this_year: (today) => [getStart(today, 12), today],
};
// The months from each such choice to the one before; the others are compared with as many days.
const MONTHS = { this_month: 1, last_month: 1, this_quarter: 3, last_quarter: 3, this_year: 12 };

// The chosen days, and those that they are compared with.
function getPeriod() {
  const [from, to] = getChosenDays().map((day) => clampDay(day, dashboard.since, getLastDay())).toSorted();
  const days = countDays(from, to);
  const { grain } = dashboard.periods.find((period) => days <= period.days) ?? dashboard.periods.at(-1);
  return { days, grain, from, to, before: getDaysBefore(from, to) };
}

// The last day that can be chosen: that of the last sync, though nothing may have been sent on it.
function getLastDay() {
  const { data_to: last, today } = getAccount();
  return [last, today].toSorted().at(-1);
}

function getChosenDays() {
  const { data_to: last, today } = getAccount();
  const choice = getChoice('days');
  if (choice in CALENDAR) return CALENDAR[choice](today);
  const isCustom = choice === 'custom';
  const days = isCustom ? 30 : Number(choice);
  return [(isCustom && getChoice('from')) || addDays(last, 1 - days), (isCustom && getChoice('to')) || last];
}

function getLastDays(days) {
  const { data_to: last } = getAccount();
  return { from: clampDay(addDays(last, 1 - days), dashboard.since, last), to: last };
}

function getDaysBefore(from, to) {
  const months = getChoice('compare') === 'year' ? 12 : MONTHS[getChoice('days')];
  if (months) return { from: addMonths(from, -months), to: addMonths(to, -months) };
  const days = countDays(from, to);
  return { from: addDays(from, -days), to: addDays(to, -days) };
}

function countDays(from, to) {
  return (toDate(to) - toDate(from)) / DAY + 1;
}

// Days are text, year first, so their order is that of text.
function clampDay(day, first, last) {
  return [first, day, last].toSorted()[1];
}

// Results of a send grow while Klaviyo credits orders to it, and those of the current day are never
// whole: the last day whose results are final.
function getFinalDay(model) {
  return addDays(getAccount().today, -1 - model.growing_days);
}

// The days of a period whose results are final, and as many of the one before; null without any.
function getFinalDays(model, { from, to, before }) {
  const [last] = [to, getFinalDay(model)].toSorted();
  if (last < from) return null;
  if (last === to) return { days: countDays(from, to), from, to, before };
  const days = countDays(from, last);
  const [end] = [addDays(before.from, days - 1), before.to].toSorted(); // a month may be shorter
  return { days, from, to: last, before: { from: before.from, to: end } };
}

// Whether the page, and what was synced, reach back to the first day of a period.
function isComplete(model, { from }, where = {}) {
  if (from < dashboard.since) return false;
  if (model === mainModel) return from >= getAccount().complete_from;
  const date = model.dimensions[model.date];
  const days = selectWhere({ model, where }, []).map((row) => getValue(date, row));
  return days.some((day) => day <= from);
}

function isOfAccount() {
  const { id } = getAccount();
  return ['account_id', (value) => value === id];
}

// The chosen filters that act on a tile: none on the page of one campaign.
function getFilters({ model, of }) {
  return of ? [] : getChosenFilters().filter((name) => name in model.dimensions);
}

function selectWhere({ model, where }, conditions) {
  return selectRows(model, [
    isOfAccount(),
    ...Object.entries(where).map(([name, wanted]) => [name, (value) => value === wanted]),
    ...conditions,
  ]);
}

function isWithin({ from, to }) {
  return (day) => day !== null && day >= from && day <= to;
}

// The rows of a tile in a period that pass its own conditions and the chosen filters.
function selectTileRows(tile, { from, to }, names = getFilters(tile)) {
  const { model, dated, of } = tile;
  if (of) return selectWhere(tile, [[of, (value) => value === getChoice(of)]]);
  const filters = names.map((name) => [name, (value) => passesFilter(name, value)]);
  const select = (days) => selectWhere(tile, [...days, ...filters]);
  if (!dated) return select([]);
  const rows = select([[model.date, isWithin({ from, to })]]);
  if (model !== mainModel) return rows;
  return [...rows, ...select([['period_start', (day) => day === from], ['period_end', (day) => day === to]])];
}

function passesFilter(name, value) {
  const choice = getChoice(name);
  return controls[name].list ? includesText(value, choice) : splitList(name, value).map(String).includes(choice);
}

function includesText(text, part) {
  return typeof text === 'string' && text.toLowerCase().includes(part.trim().toLowerCase());
}

// The single values of a dimension whose text lists several; of any other, the value itself.
function splitList(name, value) {
  if (value === null || value === '') return [];
  return dashboard.lists.includes(name) ? value.split(', ') : [value];
}

// Fills the filters with the values of the account.
function fillFilters() {
  for (const name of Object.keys(dashboard.filters)) {
    const options = getFilterValues(name).map((value) => new Option(getLabel(name, value), value));
    const control = controls[name];
    if (control.list) control.list.replaceChildren(...options);
    else {
      const { value } = control;
      control.replaceChildren(control.options[0], ...options);
      setChoice(name, value);
    }
  }
}

function getFilterValues(name) {
  const column = mainModel.dimensions[name];
  const present = new Set(selectRows(mainModel, [isOfAccount()]).map((row) => getValue(column, row)));
  const declared = Object.keys(dashboard.values[name] ?? {});
  return [...new Set([...present].flatMap((value) => splitList(name, value)).map(String))]
    .toSorted((a, b) => declared.indexOf(a) - declared.indexOf(b) || a.localeCompare(b));
}

// A value that the control does not offer leaves the default.
function setChoice(name, value) {
  controls[name].value = value;
  if (controls[name].value !== value) controls[name].value = defaults[name];
}

// The hash of this view, or of one that differs from it; it leaves out what is as in the beginning.
function buildHash(differences) {
  const choices = Object.entries({ ...Object.fromEntries(new FormData(form)), ...differences });
  return `#${new URLSearchParams(choices.filter(([name, value]) => value !== defaults[name]))}`;
}

function restoreChoices() {
  const saved = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (controls.account) setChoice('account', saved.account ?? defaults.account);
  fillFilters();
  for (const name of Object.keys(defaults)) setChoice(name, saved[name] ?? defaults[name]);
  if (!dashboard.pages.includes(getChoice('page'))) setChoice('page', defaults.page);
}

// Numbers, days and names as text

const numberFormats = new Map();
function getNumberFormat(options) {
  const key = JSON.stringify(options);
  if (!numberFormats.has(key)) numberFormats.set(key, new Intl.NumberFormat(undefined, options));
  return numberFormats.get(key);
}

// Formats are percent_1, points_1, decimal_2, times_1 (with their digits), integer and money. Amounts below
// 100 have cents, unless they are beside a greater one.
function getNumberOptions(format, greatest) {
  const { currency } = getAccount();
  if (format === 'money' && currency) {
    const options = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' };
    return Math.abs(greatest) < 100 ? options : { ...options, maximumFractionDigits: 0 };
  }
  const [kind, places] = format.split('_');
  const digits = Number(places ?? (kind === 'money' ? 2 : 0));
  const options = { signDisplay: 'negative', ...(kind === 'percent' ? { style: 'percent' } : {}) };
  return { ...options, minimumFractionDigits: digits, maximumFractionDigits: digits };
}

function formatNumber(value, format, greatest = value) {
  if (value === null) return '–';
  if (format.startsWith('points')) return formatPoints(value, Number(format.split('_')[1]));
  return getNumberFormat(getNumberOptions(format, greatest)).format(value) + (format.startsWith('times') ? '×' : '');
}

// The difference of two rates.
function formatPoints(value, digits) {
  const options = { signDisplay: 'exceptZero', minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${getNumberFormat(options).format(100 * value)} points`;
}

function formatCompact(value, format) {
  const cents = format === 'money' && Math.abs(value) < 1000 && !Number.isInteger(value) ? 2 : 0;
  const compact = { notation: 'compact', minimumFractionDigits: cents, maximumFractionDigits: 2 };
  return getNumberFormat({ ...getNumberOptions(format, value), ...compact }).format(value);
}

function toDate(day) {
  return new Date(`${day}T00:00:00Z`);
}

function addDays(day, days) {
  return new Date(toDate(day).getTime() + days * DAY).toISOString().slice(0, 10);
}

// The same day some months later; of the last day of a month, the last day.
function addMonths(day, months) {
  const [year, month, date] = day.split('-').map(Number);
  const getLength = (number) => new Date(Date.UTC(year, number, 0)).getUTCDate();
  const length = getLength(month + months);
  const wanted = date === getLength(month) ? length : Math.min(date, length);
  return new Date(Date.UTC(year, month + months - 1, wanted)).toISOString().slice(0, 10);
}

// The first day of the month, quarter or year (1, 3 or 12 months) of a day.
function getStart(day, months) {
  const [year, month] = day.split('-').map(Number);
  return new Date(Date.UTC(year, Math.floor((month - 1) / months) * months, 1)).toISOString().slice(0, 10);
}

function getMonday(day) {
  return addDays(day, -((toDate(day).getUTCDay() + 6) % 7));
}

const MEDIUM = { dateStyle: 'medium' };
const MONTH = { month: 'short', year: 'numeric' };
function formatDay(day, options = MEDIUM) {
  return new Intl.DateTimeFormat(undefined, { ...options, timeZone: 'UTC' }).format(toDate(day));
}

function formatDays({ from, to }) {
  return from === to ? formatDay(from) : `${formatDay(from)} – ${formatDay(to)}`;
}

function formatTime(time) {
  const options = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' };
  return `${new Intl.DateTimeFormat(undefined, options).format(new Date(time))} UTC`;
}

function formatHour(hour) {
  return `${String(hour).padStart(2, '0')}:00`;
}

// The colour of a label, such as that of a channel.
function findColor(name, label) {
  return Object.values(dashboard.values[name] ?? {}).find((look) => look.label === label)?.color;
}

function getLabel(name, value) {
  if (name.endsWith('_hour')) return formatHour(value);
  return dashboard.values[name]?.[value]?.label ?? String(value);
}

// The value of a cell: a metric of the group, or of a dimension the latest date, the one number or
// the labels of all values.
function computeCell(model, rows, name) {
  if (name in dashboard.metrics) return computeMetric(model, rows, name);
  const column = model.dimensions[name];
  const days = selectDays(model, rows);
  const values = [...new Set((days.length > 0 ? days : rows).flatMap((row) => splitList(name, getValue(column, row))))];
  if (dashboard.dates.includes(name)) return values.toSorted().at(-1) ?? '';
  if (name in dashboard.formats) return values[0] ?? null;
  if (values.every((value) => typeof value === 'number')) values.sort((a, b) => a - b);
  return values.map((value) => getLabel(name, value)).join(dashboard.lists.includes(name) ? ', ' : ' / ');
}

function formatCell(name, value, greatest) {
  if (name in dashboard.formats) return formatNumber(value, dashboard.formats[name], greatest);
  if (!value || !dashboard.dates.includes(name)) return value;
  return formatDay(value, name.endsWith('_month') ? MONTH : MEDIUM);
}

function getCellClass(name) {
  if (name in dashboard.formats) return 'number';
  if (dashboard.dates.includes(name)) return 'date';
  return name in dashboard.values ? 'code' : 'name';
}

// Elements

function createElement(tag, content, className = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...[content].flat());
  return element;
}

// Names in code are long words: a line may break after an underscore.
function addLineBreaks(words) {
  return words.split(/(?<=_)/v).flatMap((part) => [part, createElement('wbr', '')]);
}

function createCell({ model, bars }, name, line, greatest) {
  const value = line[name];
  const address = findSubjectAddress(model, line.group, name);
  const words = addLineBreaks(formatCell(name, value, greatest));
  const element = createElement('td', address ? createLink(words, address) : words, getCellClass(name));
  const color = findColor(name, value);
  if (color) {
    element.classList.add('badge');
    element.style.setProperty('--color', color);
  }
  const few = line.few?.[name];
  if (few !== undefined) {
    markFew(element, few);
  } else if (bars.includes(name) && value !== null) {
    element.classList.add('bar');
    element.style.setProperty('--share', value / greatest);
  }
  return element;
}

// A rate of few is grey, with their number.
function markFew(element, few) {
  element.classList.add('few');
  element.append(createElement('small', `of ${formatNumber(few, 'integer')}`, 'of'));
}

function createLink(content, address) {
  const link = createElement('a', content);
  link.href = address;
  return link;
}

// The address of the page of a group's one campaign, say; only its name has a link.
function findSubjectAddress(model, group, name) {
  const found = Object.entries(dashboard.subjects).find(([, subject]) => subject.name === name);
  if (!found || !group) return null;
  const [page, { dimension }] = found;
  const column = model.dimensions[dimension];
  const values = new Set(column ? group.map((row) => getValue(column, row)) : []);
  const [value] = values;
  return values.size === 1 && value !== null ? buildHash({ page, [dimension]: value }) : null;
}

function createRow(tile, names, line, maxima) {
  const headings = getHeadings(tile);
  const cells = tile.cells.map((name) => {
    const cell = createCell(tile, name, line, maxima[name]);
    if (name in tile.intervals) addInterval(cell, name, [...tile.intervals[name], name].map((part) => line[part]), maxima[name]);
    if (tile.usual && tile.bars.includes(name)) cell.classList.toggle('growing', !line.isFinal);
    if (tile.usual?.metrics.includes(name)) addUsual(cell, line, name, maxima[name]);
    if (tile.changes.includes(name)) addChange(cell, tile, name, { ...line.compared, over: '', greatest: maxima[name] });
    cell.dataset.heading = headings[name];
    return cell;
  });
  const [first] = names;
  const details = new Set(tile.beneath.map((name) => line[name]).filter((text) => text && text !== line[first]));
  for (const text of details) cells[0].append(createElement('small', text, 'beneath'));
  return createElement('tr', cells);
}

// On a phone a row is a card, whose cells have the headings of their columns.
function getHeadings(tile) {
  const headings = [...tile.element.querySelectorAll('thead th')];
  return Object.fromEntries(headings.map((heading) => [heading.dataset.name, heading.textContent.trim()]));
}

// The sums of all rows. Rates are those of one channel, because Klaviyo shows no other.
function createTotals(tile, lines, maxima) {
  const { model } = tile;
  const rows = lines.flatMap(({ group }) => group);
  const isOneChannel = new Set(rows.map((row) => getValue(model.dimensions.send_channel, row))).size === 1;
  const totals = createFootRow(tile, `Total of ${lines.length}`, (name) => {
    const isSummed = name in dashboard.metrics && (isOneChannel || !dashboard.metrics[name].ratio);
    return isSummed ? formatCell(name, computeMetric(model, rows, name), maxima[name]) : '';
  });
  return createElement('tfoot', [...(lines.length > 1 ? [totals] : []), ...createMedians(tile, lines, maxima)]);
}

function createFootRow(tile, title, write) {
  const headings = getHeadings(tile);
  const cells = tile.cells.slice(1).map((name) => {
    const cell = createElement('td', write(name), getCellClass(name));
    cell.dataset.heading = headings[name];
    return cell;
  });
  return createElement('tr', [...createHeadings([title], 'row'), ...cells]);
}

// The medians of each kind, such as a channel, that the table shows.
function createMedians(tile, lines, maxima) {
  if (!tile.usual) return [];
  const column = tile.model.dimensions[tile.usual.within];
  const kinds = new Map(lines.map(({ group, usual }) => [getValue(column, group[0]), usual]));
  return [...kinds].filter(([, usual]) => Object.keys(usual).length > 0).map(([kind, usual]) =>
    createFootRow(tile, `Median, ${getLabel(tile.usual.within, kind)}`, (name) =>
      (name in usual ? formatCell(name, usual[name], maxima[name]) : '')));
}

// Marks the median in a cell. What is not final yet is hatched, and not compared.
function addUsual(cell, { usual: medians, isFinal }, name, greatest) {
  const usual = medians[name];
  cell.classList.toggle('growing', !isFinal);
  if (usual === undefined) return;
  cell.style.setProperty('--usual', usual / greatest);
  cell.classList.add('usual');
  const text = formatNumber(usual, dashboard.formats[name], greatest);
  cell.append(createElement('small', isFinal ? `median ${text}` : `not final; median ${text}`, 'median'));
}

// A line from the least to the greatest rate that chance allows, with the rate as a mark on it.
function addInterval(cell, name, values, greatest) {
  if (values.includes(null)) return;
  const [low, high] = values.map((value) => formatNumber(value, dashboard.formats[name]));
  cell.classList.add('interval');
  for (const [index, part] of ['low', 'high', 'rate'].entries()) cell.style.setProperty(`--${part}`, values[index] / greatest);
  cell.append(createElement('small', `${low} to ${high}`, 'range'));
}

// The change of a cell since the days that the table is compared with.
function addChange(cell, tile, name, compared) {
  const content = compared.parts ? describeChange(tile, name, compared) : [];
  if (content.length > 0) cell.append(createElement('small', content, 'change'));
}

// Seven days beside each other have no room for whole names.
function abbreviate(name) {
  const element = createElement('abbr', name.slice(0, 3));
  element.title = name;
  return element;
}

function createHeadings(names, scope) {
  return names.map((name) => {
    const heading = createElement('th', name);
    heading.scope = scope;
    return heading;
  });
}

// Tiles

function writeValue(element, text, few) {
  element.textContent = text;
  element.classList.remove('few');
  if (few !== undefined) markFew(element, few);
}

function renderFigures(tile, rows, period) {
  const { model, by: [by] } = tile;
  if (tile.lead) renderLead(tile, rows, period);
  const comparison = tile.dated ? prepareComparison(tile, rows, period) : { missing: [] };
  for (const card of tile.element.querySelectorAll('.figure')) {
    const { name } = card.dataset;
    const format = dashboard.formats[name];
    const value = computeMetric(model, rows, name);
    writeValue(card.querySelector('.value'), formatNumber(value, format), listFew(model, rows, [[name, value]])[name]);
    const parts = (by ? groupRows(rows, [model.dimensions[by]]) : []).map((group) =>
      `${computeCell(model, group, by)} ${formatNumber(computeMetric(model, group, name), format, value)}`);
    card.querySelector('.parts').replaceChildren(...parts.toSorted().map((part) => createElement('span', part)));
    card.querySelector('.change').replaceChildren(...describeFigure(tile, name, value, comparison));
  }
  showContent(tile, rows.length > 0);
}

// The large figure: named after what counts as a conversion, with its share of all orders and a line
// of its days.
function renderLead(tile, rows, period) {
  const card = tile.element.querySelector('.lead');
  const { name } = card.dataset;
  const { conversion_metric: metric } = getAccount();
  const { label } = dashboard.metrics[name];
  card.querySelector('h3').textContent = metric ? `${metric} ${label.toLowerCase()}` : label;
  card.querySelector('.share').textContent = describeShare(tile, period);
  if (tile.target) renderTarget(card.querySelector('.target'), tile, computeMetric(tile.model, rows, name) ?? 0, period);
  const toStep = (day) => getStep(day, period.grain);
  const days = selectDays(tile.model, rows);
  const values = computeChartValues({ ...tile, by: [], metrics: [name] }, days, mapColumn(tile.model.dimensions[tile.model.date], toStep));
  const steps = listSteps(period.grain, toStep(period.from), period.to);
  const heights = steps.map((x) => values.get(`${x} ${name}`) ?? 0);
  const final = steps.filter((x) => (period.grain === 'week' ? addDays(x, 6) : x) <= getFinalDay(tile.model)).length;
  card.querySelector('.spark').replaceChildren(...(heights.length > 1 ? [
    drawLine(heights, 0, final, ''),
    drawLine(heights, Math.max(final - 1, 0), heights.length, 'growing'),
  ] : []));
}

// All orders are known where single events are synced; a filter would divide only one side.
function describeShare({ share }, period) {
  if (!share || getChosenFilters().length > 0) return '';
  const model = dashboard.models[dashboard.metrics[share].model];
  const value = computeMetric(model, selectTileRows({ model, dated: true, where: {} }, period), share);
  return value === null ? '' : `${formatNumber(value, dashboard.formats[share])} of the value of all orders of these days`;
}

// How far the revenue of all messages is from the account's target; a filter would leave some out.
function renderTarget(element, { model, metrics: [name] }, value, { days, from, to }) {
  const { target: monthly } = getAccount();
  element.hidden = monthly === null || getChosenFilters().length > 0;
  if (element.hidden) return;
  const target = computeTarget(monthly, from, to);
  const share = value / target;
  const format = dashboard.formats[name];
  const growing = countDays([addDays(getFinalDay(model), 1), from].toSorted()[1], to);
  element.querySelector('p').textContent = [
    `${formatNumber(share, 'percent_0')} of ${formatNumber(target, format)}, the target of ${days === 1 ? 'this day' : `these ${days} days`}`,
    ` at ${formatNumber(monthly, format)} a month.`,
    growing > 0 ? ` The last ${growing === 1 ? 'day is' : `${growing} days are`} not final.` : '',
  ].join('');
  const bar = element.querySelector('.progress');
  bar.style.setProperty('--share', share / Math.max(share, 1));
  bar.style.setProperty('--goal', 1 / Math.max(share, 1));
}

// The part of a monthly amount that some days have: a whole month has all of it.
function computeTarget(monthly, from, to) {
  let target = 0;
  for (let day = from; day <= to; day = addDays(day, 1)) {
    target += monthly / countDays(getStart(day, 1), addDays(getStart(addMonths(day, 1), 1), -1));
  }
  return target;
}

// A part of a line through all heights, above zero and below it.
function drawLine(heights, from, to, className) {
  const least = Math.min(...heights, 0);
  const range = Math.max(...heights, 1e-9) - least;
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  const points = heights.map((height, index) => [(100 * index) / (heights.length - 1), 38 - (36 * (height - least)) / range]);
  line.setAttribute('points', points.slice(from, to).map((point) => point.map((number) => number.toFixed(2)).join(',')).join(' '));
  line.setAttribute('vector-effect', 'non-scaling-stroke');
  line.setAttribute('class', className);
  return line;
}

// What the metrics of a tile are compared with: the rows of the days whose results are final, as a
// young send has always earned less than an old one, and of as many days before. Without both,
// `missing` says why.
function prepareComparison(tile, rows, period) {
  const { model } = tile;
  const { days, before, to } = period;
  if (getChoice('compare') === 'nothing') return { missing: [] };
  const final = getFinalDays(model, period);
  if (final === null || 2 * final.days < days) return { missing: ['Too recent to compare'] };
  const length = days === 1 ? 'day' : `${days} days`;
  if (!isComplete(model, before, tile.where)) return { missing: [`No full ${length} ${getChoice('compare') === 'year' ? 'a year ' : ''}before to compare`] };
  const earlier = selectTileRows(tile, final.before);
  const isWhole = final.to === to;
  return {
    parts: [isWhole ? rows : selectTileRows(tile, final), earlier],
    isWhole,
    over: isWhole ? '' : ` over the first ${final.days} days`,
    before: final.before,
    // A count of people unlike that of the earlier days cannot be compared with it.
    unlike: isByDay(model, rows, period) === isByDay(model, earlier, final.before)
      ? '' : `Klaviyo gives no such count for the ${length} before`,
  };
}

function describeFigure(tile, name, value, comparison) {
  const { missing, unlike } = comparison;
  if (missing) return value === null ? [] : missing;
  if (!unlike || value === null || !countsPeople(name)) return describeChange(tile, name, comparison);
  const change = describeCampaigns(tile, name, comparison);
  return change.length > 0 ? change : [unlike];
}

// The change of the messages whose people are the same however many days are chosen: campaigns.
function describeCampaigns(tile, name, { parts, isWhole, over }) {
  const { model } = tile;
  const same = parts.map((rows) => selectDays(model, rows).filter((row) => !isOfPeople(model, row)));
  if (same.some((rows) => rows.length === 0)) return [];
  const [by] = Object.keys(dashboard.people.where);
  const change = describeChange(tile, name, { parts: same, isWhole, over });
  return change.length > 0 ? [`${computeCell(model, same[0], by)} `, ...change] : [];
}

// Rates change by percentage points and everything else by its share. Without an earlier value
// there is no change.
function describeChange({ model, better }, name, { parts, isWhole, over, unlike, greatest }) {
  if (unlike && countsPeople(name)) return [];
  const format = dashboard.formats[name];
  const [value, earlier] = parts.map((rows) => computeMetric(model, rows, name));
  if (earlier === null) return [];
  const write = (number) => formatNumber(number, format, greatest ?? value ?? earlier);
  const before = write(earlier);
  if (value !== null && write(value) === before) return [`unchanged at ${before}${over}`];
  if (value === null) return [`from ${before}${over}`];
  const values = isWhole ? ` from ${before}` : `${over}: ${write(value)} from ${before}`;
  if (!earlier) return [`${over ? `${over.trim()}: ` : ''}${isWhole ? '' : `${write(value)} `}from ${before}`];
  const size = formatChange(value, earlier, format);
  if (size === formatChange(earlier, earlier, format)) return [`nearly unchanged from ${before}${over}`];
  const isChance = mayBeChance(parts.map((rows) => countEvents(model, rows, name)), value / earlier, isOfAmounts(name));
  const mark = isChance
    ? createElement('span', 'within the usual range', 'by-chance')
    : createElement('span', describeDirection(value, earlier, size), judgeChange(value - earlier, better[name] ?? 'higher'));
  return [mark, values];
}

function describeDirection(value, earlier, size) {
  const direction = value > earlier ? '▲ up' : '▼ down';
  return value < 0 || earlier < 0 ? direction : `${direction} ${size}`; // a balance has no share
}

// Whether two counts of one rate differ by this factor in one of 20 cases (Poisson, 95 %): the root
// of a count has the same spread whatever the count. Counts that are not known, or negative as a
// balance is, say nothing; few say that all may be chance. Of an amount they are orders, whose values vary
// as much as their mean. The digest has the same rule (scripts/digest/chance.py, tests/test_chance.py).
function mayBeChance([count, earlier], factor, isAmount) {
  if (count === null || earlier === null || count < 0 || earlier < 0 || factor < 0) return false;
  if (count + earlier < 6) return true;
  const least = 1 / Math.max(earlier, 1);
  const variance = ((count > 0 ? factor / count : least) + least) / 4;
  const spread = Math.sqrt(variance * (isAmount ? 2 : 1));
  return Math.abs(Math.sqrt(factor) - 1) < 1.96 * spread;
}

function formatChange(value, earlier, format) {
  const difference = value - earlier;
  if (format.startsWith('percent')) {
    const points = getNumberFormat({ maximumFractionDigits: 2 }).format(100 * Math.abs(difference));
    return `${points} ${points === '1' ? 'point' : 'points'}`;
  }
  return getNumberFormat({ style: 'percent', maximumFractionDigits: 1 }).format(Math.abs(difference / earlier));
}

function judgeChange(difference, better) {
  if (better === 'neither') return 'neither';
  return (difference > 0) === (better === 'higher') ? 'good' : 'bad';
}

// A rate of which more than a quarter of the days are too small to be shown is drawn by weeks.
function chooseGrain(tile, rows, { grain, days }) {
  const { chart, model, by } = tile;
  if (chart !== 'lines' || days < 14) return grain;
  const series = groupRows(rows, by.map((name) => model.dimensions[name]));
  const isSparse = series.some((part) => {
    const steps = groupRows(part, [model.dimensions[model.date]]);
    return 4 * steps.filter((step) => meetsMinimum(tile, step)).length < 3 * steps.length;
  });
  return isSparse ? 'week' : grain;
}

function renderChart(tile, allRows, period) {
  const { model } = tile;
  const { grain, from, to } = period;
  const rows = selectDays(model, allRows);
  const values = computeChartValues(tile, rows, mapColumn(model.dimensions[model.date], (day) => getStep(day, grain)));
  const lines = listSteps(grain, getStep(from, grain), to).map((x) => createPoints(tile, values, x, period));
  tile.element.querySelector('.grain').textContent = `${describeSteps(model, grain, lines)}${describeUndrawn(tile, rows, values)}`;
  const hasContent = [...values.values()].some((value) => value !== null);
  showContent(tile, hasContent);
  tile.points = lines.flat();
  if (hasContent) queueDrawing(tile, tile.points);
  tile.element.querySelector('.data > div').replaceChildren(createDataTable(tile, lines));
}

function describeSteps({ date_label: label, growing_days: days }, grain, lines) {
  const steps = grain === 'week' ? 'Weeks from Monday to Sunday' : 'Days';
  const points = lines.flat();
  const reasons = [
    points.some((point) => point.is_partial) && 'partial weeks',
    points.some((point) => point.is_growing)
      && `not final${days > 0 ? `, as messages are credited with orders for ${days} days` : ''}`,
  ].filter(Boolean);
  return `${steps}, by ${label.toLowerCase()}.${reasons.length > 0 ? ` Hatched: ${reasons.join('; ')}.` : ''}`;
}

// The series that the legend has and the chart does not, because every step of them is too small.
function describeUndrawn({ model, series, minimum, by: [by] }, rows, values) {
  if (!by || Object.keys(minimum).length === 0) return '';
  const present = new Set(rows.map((row) => String(getValue(model.dimensions[by], row))));
  const known = [...values.keys()];
  const missing = series.filter(({ value }) => present.has(value) && !known.some((key) => key.endsWith(` ${value}`)));
  return missing.length > 0 ? ` Too few for a line: ${missing.map(({ label }) => label).join(', ')}.` : '';
}

// Values by step and series: a series is a value of the dimension, or one of several metrics.
function computeChartValues(tile, rows, date) {
  const { model, metrics, by: [by] } = tile;
  const values = new Map();
  const column = model.dimensions[by];
  for (const group of groupRows(rows, by ? [date, column] : [date]).filter((part) => meetsMinimum(tile, part))) {
    const x = getValue(date, group[0]);
    for (const name of metrics) {
      values.set(`${x} ${by ? getValue(column, group[0]) : name}`, computeMetric(model, group, name));
    }
  }
  return values;
}

// The first days of all steps from one day to another; both are text.
function listSteps(grain, from, to) {
  const steps = [];
  for (let x = from; x <= to; x = addDays(x, grain === 'week' ? 7 : 1)) steps.push(x);
  return steps;
}

// The points of all series at one step. Where nothing is known a line has a gap.
// Without a row a sum is zero; a rate, or what is too small to be shown, is not known.
function createPoints({ model, series, metrics, minimum }, values, x, { grain, from, to }) {
  const isSum = metrics.every((name) => !dashboard.metrics[name].ratio) && Object.keys(minimum).length === 0;
  const format = dashboard.formats[metrics[0]];
  const greatest = Math.max(...[...values.values()].map((value) => Math.abs(value)));
  const xText = grain === 'week' ? `Week of ${formatDay(x)}` : formatDay(x);
  const last = grain === 'week' ? addDays(x, 6) : x;
  const isGrowing = [last, to].toSorted()[0] > getFinalDay(model);
  const isPartial = x < from || last > to;
  return series.map((part, position) => {
    const value = values.get(`${x} ${part.value}`) ?? (isSum ? 0 : null);
    const valueText = formatNumber(value, format, greatest);
    return {
      x,
      x_text: xText,
      series: part.label,
      position,
      value,
      value_text: valueText,
      text: `${xText}, ${part.label}: ${valueText}`,
      is_growing: isGrowing,
      is_partial: isPartial,
    };
  });
}

// One drawing of a tile at a time: a drawing takes a moment, and the reader may choose again
// before it ends. Points that are not the latest any more are not drawn.
function queueDrawing(tile, points) {
  tile.drawing = tile.drawing.then(() => (points === tile.points ? drawChart(tile, points) : null));
}

// The library is decompressed when the first chart is drawn; the page's policy has its digest.
let library = null;
async function loadLibrary() {
  const script = document.createElement('script');
  script.textContent = await decompress('library');
  document.head.append(script);
}

async function drawChart(tile, points) {
  library ??= loadLibrary();
  await library;
  tile.view?.finalize();
  const data = tile.vega.data.map((source) => (source.name === 'rows' ? { name: 'rows', values: points } : source));
  const { view } = await globalThis.vegaEmbed(tile.element.querySelector('.body'), { ...tile.vega, data }, {
    mode: 'vega',
    ast: true, // the policy of the page forbids code made from text
    renderer: 'svg',
    actions: false,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
    expressionFunctions: {
      format_value: formatCompact,
      format_x: (x) => (typeof x === 'number' ? String(x) : formatDay(x, { day: 'numeric', month: 'short' })),
    },
  });
  tile.view = view;
}

function createDataTable({ series }, lines) {
  const [date, ...labels] = createHeadings(['Day', ...series.map((part) => part.label)], 'col');
  for (const heading of labels) heading.className = 'number';
  const body = lines.map((line) => createElement('tr', [
    ...createHeadings([line[0].x_text], 'row'),
    ...line.map((point) => createElement('td', point.value_text, 'number')),
  ]));
  const head = createElement('tr', [date, ...labels]);
  return createElement('table', [createElement('thead', head), createElement('tbody', body)]);
}

// A curve: what a metric of one campaign, say, came to by the end of each day since it was sent,
// beside the median of others. Of several channels it is the one with the most messages.
function renderCurve(tile, rows) {
  const { model, series, usual: { within } } = tile;
  const kind = model.dimensions[within];
  const [, denominator] = dashboard.metrics[tile.metrics[0]].ratio;
  const [group] = groupRows(rows, [kind]).toSorted((a, b) => sumRows(model, b, denominator) - sumRows(model, a, denominator));
  const channel = group && getValue(kind, group[0]);
  const { last, ...curves } = group ? computeCurves(tile, group, channel) : {};
  const isDrawn = Object.values(curves).some((values) => values.filter((value) => value !== null).length > 1);
  showContent(tile, isDrawn); // one point is no curve
  tile.element.querySelector('.grain').textContent = isDrawn
    ? [
      `${getLabel(within, channel)}, by days since the send.`,
      curves.subject[0] === null && 'Its line begins with the first sync after the send.',
      curves.usual.every((value) => value === null) && 'Too few campaigns have snapshots for a median.',
      last < tile.limit - 1 && 'Hatched: not over.',
    ].filter(Boolean).join(' ') : '';
  const lines = (curves.subject ?? []).map((_, x) => series.map(({ value, label }, position) =>
    createCurvePoint(tile, { x, series: label, position, value: curves[value][x], is_growing: x > last })));
  tile.points = lines.flat();
  if (isDrawn) queueDrawing(tile, tile.points);
  tile.element.querySelector('.data > div').replaceChildren(createDataTable(tile, lines));
}

// The curve of a group, the median of others on its channel, and the last day that is over.
function computeCurves(tile, group, channel) {
  const { model, of, usual: { within } } = tile;
  const curve = computeCurve(tile, group);
  const others = groupRows(
    selectWhere(tile, [[within, (value) => value === channel], [of, (value) => value !== getChoice(of)]]),
    [model.dimensions[of]],
  ).filter((other) => meetsMinimum(tile, other)).map((other) => computeCurve(tile, other));
  return { subject: curve.values, usual: computeUsualCurve(tile, curve, others), last: curve.last };
}

// The values at the end of each day since the send, and the last day that is over. Before the first
// snapshot nothing is known.
function computeCurve({ model, by: [by], metrics: [name], limit }, rows) {
  const ages = rows.map((row) => getValue(model.dimensions[by], row));
  const sent = addDays(getValue(model.dimensions[model.date], rows[0]), -ages[0]);
  const today = countDays(sent, getAccount().today) - 1;
  const values = Array.from({ length: limit }, (_, age) => (age < Math.min(...ages) || age > today
    ? null : computeMetric(model, rows.filter((__, index) => ages[index] <= age), name)));
  return { sent, values, last: today - 1 };
}

// The medians of the curves of the days before a send, where they are enough.
function computeUsualCurve({ usual: { days, groups } }, { sent, values }, others) {
  const isBefore = isWithin({ from: addDays(sent, -days), to: sent });
  const peers = others.filter((other) => isBefore(other.sent));
  return values.map((_, age) => {
    const known = peers.filter(({ last }) => age <= last).map((peer) => peer.values[age]).filter((value) => value !== null);
    return known.length >= groups ? computeMedian(known) : null;
  });
}

function createCurvePoint({ metrics: [name] }, point) {
  const xText = ['Day of the send', '1 day after the send'][point.x] ?? `${point.x} days after the send`;
  const valueText = formatNumber(point.value, dashboard.formats[name]);
  return { ...point, x_text: xText, value_text: valueText, text: `${xText}, ${point.series}: ${valueText}`, is_partial: false };
}

// Whether a group is large enough to be shown.
function meetsMinimum({ model, minimum, distinct }, rows) {
  const hasValues = Object.entries(distinct).every(([name, least]) =>
    new Set(rows.map((row) => model.dimensions[name].rows[row])).size >= least);
  return hasValues && Object.entries(minimum).every(([name, least]) => {
    const value = computeMetric(model, rows, name);
    return value !== null && value >= least;
  });
}

function renderHeatmap(tile, rows) {
  const { by: [, across], metrics: [name] } = tile;
  const columns = Object.entries(dashboard.values[across]);
  const values = extendHeatmapValues(tile, computeHeatmapValues(tile, rows));
  const hours = [...values.keys()].map((key) => Number(key.split(' ')[0]));
  const greatest = Math.max(...values.values());
  const days = createHeadings(columns.map(([, { label }]) => abbreviate(label)), 'col');
  const body = [];
  for (let hour = Math.min(...hours); hour <= Math.max(...hours); hour += 1) {
    const cells = columns.map(([value]) => createHeatmapCell(values.get(`${hour} ${value}`), greatest, name));
    body.push(createElement('tr', [...createHeadings([formatHour(hour)], 'row'), ...cells]));
  }
  const head = createElement('tr', [createElement('td', ''), ...days]);
  showContent(tile, values.size > 0);
  tile.element.querySelector('.body').replaceChildren(
    createElement('table', [createElement('thead', head), createElement('tbody', body)], 'heat'),
  );
}

// An hour takes several campaigns: where the chosen days have too few, the values of a longer time.
function extendHeatmapValues(tile, chosen) {
  const { days } = dashboard.periods.at(-1);
  const values = chosen.size > 0 ? chosen : computeHeatmapValues(tile, selectTileRows(tile, getLastDays(days)));
  tile.element.querySelector('.extended').textContent = chosen.size > 0 || values.size === 0
    ? '' : `Of the last ${days} days, as the chosen days have too few campaigns at one hour.`;
  return values;
}

// Values by row and column, such as "9 1" for nine o'clock on Mondays.
function computeHeatmapValues(tile, rows) {
  const { model, metrics: [name] } = tile;
  const dimensions = tile.by.map((dimension) => model.dimensions[dimension]);
  return new Map(groupRows(rows, dimensions)
    .filter((group) => meetsMinimum(tile, group))
    .map((group) => [
      dimensions.map((column) => getValue(column, group[0])).join(' '),
      computeMetric(model, group, name),
    ])
    .filter(([, value]) => value !== null));
}

function createHeatmapCell(value, greatest, name) {
  if (value === undefined) return createElement('td', '');
  const share = greatest > 0 ? Math.max(value, 0) / greatest : 0; // without revenue no hour is the best
  const element = createElement('td', formatCell(name, value, greatest), share === 1 ? 'best' : '');
  element.style.setProperty('--share', `${10 + 50 * share}%`);
  return element;
}

function renderTable(tile, rows, period) {
  const { model, by, columns, metrics, slug } = tile;
  const usual = tile.usual ? computeUsual(tile, rows, period) : null;
  const compare = tile.changes.length > 0 ? compareGroups(tile, rows, period) : null;
  const names = [...columns, ...metrics];
  const { order, isDescending } = getSortOrder(tile);
  const tied = by.filter((name) => columns.includes(name));
  const lines = groupRows(rows, by.map((name) => model.dimensions[name]))
    .filter((group) => meetsMinimum(tile, group))
    .map((group) => Object.assign(computeLine(tile, names, group), usual?.(group), compare?.(group), { group }))
    .filter((line) => isFound(line, getChoice(`search-${slug}`)))
    .toSorted((a, b) => tied.reduce((result, name) => result || compareLines(a, b, name), compareLines(a, b, order, isDescending)));
  tile.csv = { names, lines };
  const shown = getChoice(`rows-${slug}`) === 'all' ? lines : lines.slice(0, tile.limit);
  const maxima = computeMaxima(tile, lines);
  for (const part of tile.element.querySelectorAll('.body :is(tbody, tfoot)')) part.remove();
  tile.element.querySelector('table').append(
    createElement('tbody', shown.map((line) => createRow(tile, names, line, maxima))),
    ...(tile.totals && lines.length > 0 ? [createTotals(tile, lines, maxima)] : []),
  );
  showContent(tile, lines.length > 0);
  if (tile.interactive) renderTableTools(tile, shown.length, lines.length);
}

function isFound(line, search) {
  return Object.values(line).some((value) => includesText(value, search));
}

function computeLine({ model }, names, rows) {
  const cells = names.map((name) => [name, computeCell(model, rows, name)]);
  return { ...Object.fromEntries(cells), few: listFew(model, rows, cells) };
}

// The rates of so few, such as of four delivered messages, that chance makes them, with their number.
function listFew(model, rows, cells) {
  const counts = cells.filter(([name, value]) => value !== null && dashboard.metrics[name]?.of)
    .map(([name]) => [name, sumRows(model, selectCounted(model, rows, name), dashboard.metrics[name].of)]);
  return Object.fromEntries(counts.filter(([, count]) => count < dashboard.few));
}

// A function that gives what is usual for a group: the medians of those with the same value of
// `within` whose results are final, if they are enough, whatever is filtered. A young group is not final.
function computeUsual(tile, rows, period) {
  const { model, of, usual: { metrics, within, days, groups, minimum } } = tile;
  const final = getFinalDay(model);
  const last = of ? computeCell(model, rows, model.date) : period.to;
  const before = { from: addDays(last || final, -days), to: [last, final].toSorted()[0] };
  const peers = selectWhere(tile, [[model.date, isWithin(before)], ...(of ? [[of, (value) => value !== null]] : [])]);
  const kinds = Map.groupBy(
    groupRows(peers, tile.by.map((name) => model.dimensions[name])).filter((group) => meetsMinimum({ ...tile, minimum }, group)),
    (group) => getValue(model.dimensions[within], group[0]),
  );
  const computeMedians = (kind) => Object.fromEntries(metrics
    .map((name) => [name, kind.map((group) => computeMetric(model, group, name)).filter((value) => value !== null)])
    .filter(([, values]) => values.length >= groups)
    .map(([name, values]) => [name, computeMedian(values)]));
  const medians = new Map([...kinds].map(([key, kind]) => [key, computeMedians(kind)]));
  return (group) => ({
    usual: medians.get(getValue(model.dimensions[within], group[0])) ?? {},
    isFinal: computeCell(model, group, model.date) <= final,
  });
}

// A function that gives what a group is compared with: its own rows of a comparison's two parts.
function compareGroups(tile, rows, period) {
  const comparison = prepareComparison(tile, rows, period);
  tile.element.querySelector('.compared').textContent = describeComparison(comparison);
  if (comparison.missing) return () => ({});
  const columns = tile.by.map((name) => tile.model.dimensions[name]);
  const getKey = (row) => columns.map((column) => column.rows[row]).join(' ');
  const parts = comparison.parts.map((part) => Map.groupBy(part, getKey));
  return ([row]) => ({ compared: { ...comparison, parts: parts.map((part) => part.get(getKey(row)) ?? []) } });
}

function describeComparison({ missing, over, before, unlike }) {
  if (missing) return missing.map((reason) => `${reason}.`).join('');
  return `Beneath a figure is its change${over}, against ${formatDays(before)}.${unlike ? ` ${unlike}.` : ''}`;
}

function computeMedian(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

// Of each metric, the value farthest from zero.
function computeMaxima({ metrics, intervals = {} }, lines) {
  return Object.fromEntries(metrics.map((name) => [
    name, Math.max(...lines.map((line) => Math.max(name in line.few ? 0 : Math.abs(line[name]), line.usual?.[name] ?? 0, line[intervals[name]?.[1]] ?? 0))),
  ]));
}

function getSortOrder({ slug, order, ascends }) {
  const sort = getChoice(`sort-${slug}`) || (ascends ? order : `-${order}`);
  return { order: sort.replace(/^-/v, ''), isDescending: sort.startsWith('-') };
}

// Declared values have the order of their declaration. Null is always last, after rates of few.
function compareLines(a, b, name, isDescending = false) {
  const declared = Object.values(dashboard.values[name] ?? {}).map(({ label }) => label);
  const [first, second] = [a, b].map((line) => (declared.includes(line[name]) ? declared.indexOf(line[name]) : line[name]));
  const [late, later] = [a, b].map((line) => (line[name] === null ? 2 : Number(name in (line.few ?? {}))));
  if (late !== later || first === null) return late - later;
  const order = typeof first === 'string' && typeof second === 'string' ? first.localeCompare(second) : first - second;
  return isDescending ? -order : order;
}

function renderTableTools(tile, shown, all) {
  const { order, isDescending } = getSortOrder(tile);
  tile.element.querySelector('.tools').hidden = all === 0 && !getChoice(`search-${tile.slug}`);
  const rows = all === 1 ? 'row' : 'rows';
  tile.element.querySelector('.count').textContent = shown === all ? `${all} ${rows}` : `${shown} of ${all} ${rows}`;
  const more = tile.element.querySelector('.more');
  more.hidden = all <= tile.limit;
  more.textContent = shown > tile.limit ? `Show the first ${tile.limit}` : `Show all ${all}`;
  for (const heading of tile.element.querySelectorAll('thead th')) {
    if (heading.dataset.name === order) heading.ariaSort = isDescending ? 'descending' : 'ascending';
    else heading.removeAttribute('aria-sort');
  }
}

// All rows of a table that pass the filters and the search, as a file. As in scripts/export.py, text
// that a spreadsheet would run as a formula gets an apostrophe.
function downloadTable(tile) {
  const { slug, csv: { names, lines } } = tile;
  const headings = { ...dashboard.labels, ...getHeadings(tile) };
  const rows = [names.map((name) => headings[name]), ...lines.map((line) => names.map((name) => line[name] ?? ''))];
  const text = rows.map((row) => row.map((value) => quoteValue(value)).join(',')).join('\r\n');
  const link = createLink('', URL.createObjectURL(new Blob(['\uFEFF', text], { type: 'text/csv' })));
  link.download = `${slug}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function quoteValue(value) {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/v.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
}

// One table body for each message of a test, the latest first, with a row for each variation; or for
// each flow, the largest first, with a row for each step.
function renderGroups(tile, rows) {
  const { model, versions, bars, order, ascends } = tile;
  const names = [...versions, ...tile.metrics];
  const getColumns = (dimensions) => dimensions.map((name) => model.dimensions[name]);
  const rank = ascends ? tile.metrics[0] : model.date;
  const groups = groupRows(rows, getColumns(tile.by))
    .map((group) => ({ group, [rank]: computeCell(model, group, rank) }))
    .toSorted((a, b) => compareLines(a, b, rank, true))
    .slice(0, tile.limit)
    .map(({ group }) => ({
      group,
      lines: groupRows(group, getColumns(versions))
        .map((version) => computeLine(tile, names, version))
        .toSorted((a, b) => compareLines(a, b, order, !ascends)),
    }));
  const maxima = computeMaxima(tile, groups.flatMap(({ lines }) => lines));
  // The bars of a flow's steps are a funnel of their own.
  const getMaxima = (lines) => (ascends ? { ...maxima, ...computeMaxima({ metrics: bars }, lines) } : maxima);
  const bodies = groups.map(({ group, lines }) => createElement('tbody', [
    createGroupHeading(tile, group, tile.cells.length), ...lines.map((line) => createRow(tile, names, line, getMaxima(lines))),
  ]));
  for (const body of tile.element.querySelectorAll('tbody')) body.remove();
  tile.element.querySelector('table').append(...bodies);
  showContent(tile, bodies.length > 0);
}

function createGroupHeading({ model, columns }, rows, width) {
  const [title, ...details] = columns
    .map((name) => formatCell(name, computeCell(model, rows, name)))
    .filter(Boolean);
  const [heading] = createHeadings([createElement('span', [title, createElement('small', details.join(' · '))])], 'rowgroup');
  heading.colSpan = width;
  return createElement('tr', heading, 'group');
}

// What to do next. A reader mutes a finding in this browser; KLAVIYO_MUTED_FINDINGS mutes it for all.
const MUTED = 'klaviyo-muted-findings';

function readMuted() {
  try {
    return JSON.parse(localStorage.getItem(MUTED) ?? '[]');
  } catch {
    return []; // a browser may refuse storage to a file
  }
}

let mutedFindings = readMuted();

function isMuted({ finding_id: id }) {
  return mutedFindings.includes(`${getAccount().id} ${id}`);
}

function saveMuted(names) {
  try {
    localStorage.setItem(MUTED, JSON.stringify(names));
  } catch {
    // The finding is shown again when the page is opened again.
  }
  mutedFindings = names;
}

function renderFindings(tile, rows) {
  const { model, columns, metrics: [sample], order, limit } = tile;
  const names = [...tile.by, ...columns, sample];
  const found = groupRows(rows, tile.by.map((name) => model.dimensions[name]))
    .map((group) => Object.fromEntries(names.map((name) => [name, name === sample ? computeMetric(model, group, name) : getValue(model.dimensions[name], group[0])])))
    .toSorted((a, b) => a[order] - b[order]);
  const shown = found.filter((finding) => !isMuted(finding)).slice(0, limit);
  tile.element.querySelector('.body').replaceChildren(...shown.map((finding) => createFinding(tile, finding, sample)));
  showContent(tile, shown.length > 0);
  const muted = found.filter((finding) => isMuted(finding)).length;
  tile.element.querySelector('.muted').hidden = muted === 0;
  tile.element.querySelector('.muted span').textContent = `${muted} muted.`;
}

function createFinding(tile, finding, sample) {
  const tone = createElement('span', getLabel('tone', finding.tone), `tone ${finding.tone}`);
  const link = createElement('a', finding.suggestion);
  link.href = buildFindingHash(finding);
  const count = `${formatNumber(finding[sample], dashboard.formats[sample])} ${finding.sample_unit}`;
  const mute = createElement('button', 'Mute', 'mute');
  mute.type = 'button';
  mute.ariaLabel = `Mute: ${finding.suggestion}`;
  mute.addEventListener('click', () => {
    saveMuted([...mutedFindings, `${getAccount().id} ${finding.finding_id}`]);
    renderTile(tile);
  });
  const reason = createElement('summary', 'Why you see this');
  reason.ariaLabel = `Why you see this: ${finding.suggestion}`;
  const why = createElement('details', [
    reason,
    createElement('p', finding.reason),
    createElement('p', ['For everyone, mute it with ', createElement('code', `KLAVIYO_MUTED_FINDINGS=${finding.finding_id}`)]),
  ]);
  return createElement('li', [
    createElement('p', [tone, ' ', link]),
    createElement('p', finding.finding),
    createElement('div', [`${formatDay(finding.date)} · ${count}`, why, mute], 'why'),
  ]);
}

// The page that shows what a finding is about, with enough days and no other filter.
function buildFindingHash({ page, campaign_name: campaign, flow_name: flow }) {
  const choices = { account: getChoice('account'), page, days: String(dashboard.finding_days) };
  if (campaign) choices.campaign_name = campaign;
  if (flow) choices.flow_name = flow;
  return `#${new URLSearchParams(Object.entries(choices).filter(([, value]) => value))}`;
}

// Shows a tile's content, or the line which says why there is none.
function showContent(tile, hasContent) {
  const empty = tile.element.querySelector('.empty');
  if (!hasContent) renderEmpty(tile, empty);
  empty.hidden = hasContent;
  for (const part of tile.element.querySelectorAll('.body, .data')) part.hidden = !hasContent;
}

// Why a tile is empty, with a button that clears what empties it, or one for more days.
function renderEmpty(tile, empty) {
  tile.emptying = findEmptying(tile);
  const [first, ...others] = tile.emptying;
  empty.querySelector('span').textContent = first
    ? `Nothing to show with ${tile.emptying.map((name) => describeCondition(name)).join(', ')}.`
    : describeEmpty(tile);
  const clear = empty.querySelector('.clear');
  clear.hidden = !first;
  clear.textContent = others.length > 0 ? 'Clear filters' : `Clear ${(dashboard.filters[first] ?? 'search').toLowerCase()}`;
  const longer = empty.querySelector('.longer');
  if (!longer) return;
  const mayHelp = !first && getChoice('days') !== longer.value;
  longer.hidden = !mayHelp || !hasGroups(tile, getLastDays(longer.value), getFilters(tile));
  if (mayHelp && longer.hidden) empty.querySelector('span').append(` The last ${longer.value} days have too few as well.`);
}

// The chosen filters and the search that empty a tile: those that do alone, or else together.
function findEmptying(tile) {
  const search = `search-${tile.slug}`;
  const chosen = [...getFilters(tile), ...(getChoice(search).trim() ? [search] : [])];
  const period = tile.chart === 'heatmap' ? getLastDays(dashboard.periods.at(-1).days) : getPeriod();
  const isShown = (names) => hasGroups(tile, period, names);
  if (chosen.length === 0 || !isShown([])) return [];
  const alone = chosen.filter((name) => !isShown([name]));
  const together = chosen.filter((name) => isShown(chosen.filter((other) => other !== name)));
  return [alone, together, chosen].find((names) => names.length > 0);
}

// Whether a tile would show something of some days with some of its filters and its search.
function hasGroups(tile, days, names) {
  const { model, by, series, columns, metrics, slug } = tile;
  const filters = names.filter((name) => name in dashboard.filters);
  const search = names.length > filters.length ? getChoice(`search-${slug}`) : '';
  const rows = selectTileRows(tile, days, filters);
  const week = mapColumn(model.dimensions[model.date], (day) => getStep(day, 'week'));
  const groups = groupRows(series ? selectDays(model, rows) : rows, [...(series ? [week] : []), ...by.map((name) => model.dimensions[name])]);
  return groups.some((group) => meetsMinimum(tile, group)
    && (!series || metrics.some((name) => computeMetric(model, group, name) !== null))
    && (!search || isFound(computeLine(tile, [...columns, ...metrics], group), search)));
}

// Why a tile without filters is empty: nothing happened, too little, or a table is not synced.
function describeEmpty({ dated, minimum, empty, without_events: withoutEvents }) {
  if (withoutEvents && !getAccount().has_events) return withoutEvents;
  if (empty) return empty;
  const days = dated ? ' in these days' : '';
  const [[name, least] = []] = Object.entries(minimum);
  if (!least) return `Nothing to show${days}.`;
  const label = dashboard.metrics[name].label.toLowerCase();
  return least === 1 ? `No ${label}${days}.` : `Too few${days}: it takes ${formatNumber(least, 'integer')} ${label}.`;
}

function describeCondition(name) {
  return name in dashboard.filters ? describeFilter(name) : `the search “${getChoice(name).trim()}”`;
}

function describeFilter(name) {
  return `${dashboard.filters[name]}: ${getLabel(name, getChoice(name))}`;
}

// The facts of one campaign, say, as words.
function renderRecord(tile, rows) {
  for (const element of tile.element.querySelectorAll('.body [data-name]')) {
    const { name } = element.dataset;
    const value = rows.length > 0 ? formatCell(name, computeCell(tile.model, rows, name)) : '';
    element.hidden = !value;
    element.querySelector('dd').textContent = value;
  }
  showContent(tile, rows.length > 0);
}

const RENDERERS = {
  figures: renderFigures,
  columns: renderChart,
  lines: renderChart,
  curve: renderCurve,
  heatmap: renderHeatmap,
  table: renderTable,
  record: renderRecord,
  tests: renderGroups,
  steps: renderGroups,
  findings: renderFindings,
};

// The page

function renderTile(tile) {
  const chosen = getPeriod();
  const ignored = tile.of ? [] : getChosenFilters().filter((name) => !(name in tile.model.dimensions));
  const note = tile.element.querySelector('.unfiltered');
  note.textContent = `Not filtered by ${ignored.map((name) => dashboard.filters[name].toLowerCase()).join(', ')}.`;
  note.hidden = ignored.length === 0;
  const rows = selectTileRows(tile, chosen);
  tile.element.hidden = tile.tested && !hasVersions(tile, rows);
  // The steps of a chart are days, or weeks, which are no period.
  const counted = tile.series ? selectDays(tile.model, rows) : rows;
  const period = { ...chosen, grain: chooseGrain(tile, counted, chosen) };
  labelPeople(tile, isByDay(tile.model, selectDrawn(tile, counted, period), period) && !(tile.series && period.grain === 'day'));
  RENDERERS[tile.chart](tile, rows, period);
}

// Whether some message has two versions on a channel.
function hasVersions({ model, by }, rows) {
  const count = (names) => groupRows(rows, names.map((name) => model.dimensions[name])).length;
  return count(by) > count(by.slice(0, -1));
}

function saveChoices() {
  history.replaceState(null, '', buildHash());
}

// Saves the choices in the address and renders the open page.
function renderPage() {
  saveChoices();
  renderNavigation();
  renderHeader();
  renderControls();
  renderSubject();
  renderTitle();
  renderVerdict();
  renderFooter();
  for (const tile of getShownTiles()) renderTile(tile);
}

function renderNavigation() {
  const open = getChoice('page');
  const nav = document.querySelector('nav');
  for (const section of document.querySelectorAll('section')) section.hidden = section.dataset.page !== open;
  for (const link of nav.querySelectorAll('a')) {
    link.href = buildPageHash(link.dataset.page);
    link.removeAttribute('aria-current');
    if (link.dataset.page === (dashboard.subjects[open]?.back ?? open)) {
      link.ariaCurrent = 'page';
      nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    }
  }
}

// The address of a page in the navigation, which shows no single campaign.
function buildPageHash(page) {
  const subjects = Object.values(dashboard.subjects).map(({ dimension }) => [dimension, '']);
  return buildHash({ page, ...Object.fromEntries(subjects) });
}

// On the page of one campaign: its name, the way back, and its place in Klaviyo.
function renderSubject() {
  const page = getChoice('page');
  const subject = dashboard.subjects[page];
  form.hidden = Boolean(subject);
  if (!subject) return;
  const { dimension, name, back, address } = subject;
  const id = getChoice(dimension);
  const rows = selectRows(mainModel, [isOfAccount(), [dimension, (value) => value === id]]);
  const section = document.querySelector(`section[data-page="${page}"]`);
  section.querySelector('h2').textContent = (rows.length > 0 && computeCell(mainModel, rows, name)) || id;
  section.querySelector('.back').href = buildPageHash(back);
  const link = section.querySelector('.klaviyo');
  link.hidden = rows.length === 0 || getAccount().is_test; // a simulated account is not in Klaviyo
  link.href = address.replace('{}', encodeURIComponent(id));
}

// The tab's title begins with what differs: the page or its campaign.
function renderTitle() {
  const { name, id } = getAccount();
  document.title = `${findHeading().textContent} · ${name || id}: ${dashboard.title}`;
}

function findHeading() {
  return document.querySelector(`section[data-page="${getChoice('page')}"] h2`);
}

// Whether the data are complete, and equal Klaviyo's own counts.
function renderVerdict() {
  const { verdict: { text, tone }, synced_at: synced } = getAccount();
  for (const element of document.querySelectorAll('.verdict')) {
    element.dataset.tone = tone;
    element.querySelector('.text').textContent = text;
    element.querySelector('.note').textContent = `Last synced ${formatTime(synced)}.`;
  }
}

function getShownTiles() {
  return tiles.filter((tile) => tile.page === getChoice('page'));
}

// The chosen filters of the page; that of one campaign has none.
function getPageFilters() {
  return getChoice('page') in dashboard.subjects ? [] : getChosenFilters();
}

function renderHeader() {
  const { name, id, currency, conversion_metric: metric, is_test: isTest, today } = getAccount();
  const { from, to, before } = getPeriod();
  const shown = getShownTiles();
  const isDated = shown.some((tile) => tile.dated);
  const isCompared = shown.some((tile) => hasComparison(tile)) && getChoice('compare') !== 'nothing' && isComplete(mainModel, before);
  document.getElementById('account').textContent = name || id;
  document.querySelector('link[rel="icon"]').href = buildIcon(name || id);
  document.getElementById('sandbox').hidden = !isTest;
  document.getElementById('range').textContent = [
    isDated ? formatDays({ from, to }) : '',
    isCompared ? `, compared with ${formatDays(before)}` : '',
    isDated ? '.' : '',
    isDated && to === today ? ` ${formatDay(today)} was not over at the last sync.` : '',
    currency ? ` Amounts in ${currency}.` : '',
    metric ? ` Revenue and conversions: ${metric}.` : '',
    ...getPageFilters().map((filter) => ` ${describeFilter(filter)}.`),
  ].join('').trim();
}

// The tab's icon: the first letter of the account.
function buildIcon(name) {
  const letter = [...name].find((character) => /[\p{Letter}\p{Number}]/v.test(character)) ?? '';
  const shape = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2c6fbb"/>'
    + `<text x="16" y="23" fill="#fff" font-family="system-ui,sans-serif" font-size="20" font-weight="700" text-anchor="middle">${letter.toUpperCase()}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(shape)}`;
}

// Controls that act on no tile of the page are hidden.
function renderControls() {
  const shown = getShownTiles();
  const isDated = shown.some((tile) => tile.dated);
  for (const label of document.querySelectorAll('.day')) {
    label.hidden = !isDated || getChoice('days') !== 'custom';
    label.control.max = getLastDay();
  }
  document.getElementById('clear').hidden = getPageFilters().length === 0;
  controls.days.parentElement.hidden = !isDated;
  controls.compare.parentElement.hidden = !shown.some((tile) => hasComparison(tile));
  for (const control of document.querySelectorAll('.filter')) {
    control.parentElement.hidden = !getChoice(control.name) && !shown.some((tile) => divides(control.name, tile));
  }
  const more = [controls.compare, ...document.querySelectorAll('.filter')];
  document.getElementById('more').hidden = more.every((control) => control.parentElement.hidden);
}

// Whether a tile compares its days with others.
function hasComparison({ chart, dated, changes }) {
  return dated && (chart === 'figures' || changes.length > 0);
}

// Whether a filter leaves a part of a tile's rows: that of flows does not where all are of campaigns.
const divided = new Map();
function divides(name, tile) {
  const key = [getAccount().id, tile.slug, name].join(' ');
  if (!divided.has(key)) {
    const column = tile.model.dimensions[name];
    const rows = column && !tile.of ? selectWhere(tile, []) : [];
    divided.set(key, rows.some((row) => column.rows[row] !== column.rows[rows[0]]));
  }
  return divided.get(key);
}

function renderFooter() {
  const { data_from: first, data_to: last, synced_at: synced } = getAccount();
  document.getElementById('sync').textContent =
    `Data from ${formatDay(first)} to ${formatDay(last)}, last synced ${formatTime(synced)}.`;
}

// A choice within a tile concerns that tile alone.
function renderChoice(control) {
  const tile = tiles.find(({ element }) => element.contains(control));
  if (tile) {
    saveChoices();
    renderTile(tile);
  } else renderPage();
}

// Events

function toggleAllRows(tile) {
  const rows = `rows-${tile.slug}`;
  setChoice(rows, getChoice(rows) === 'all' ? defaults[rows] : 'all');
}

// The first click on a heading shows the greatest metric or the first name; the next reverses it.
function sortBy(tile, name) {
  const { order, isDescending } = getSortOrder(tile);
  const descends = name === order ? !isDescending : name in dashboard.metrics;
  setChoice(`sort-${tile.slug}`, `${descends ? '-' : ''}${name}`);
}

document.addEventListener('input', ({ target }) => {
  if (target.name === 'account') fillFilters();
  if (target.name === 'days' && target.value === 'custom') {
    const { from, to } = getPeriod();
    controls.from.value ||= from;
    controls.to.value ||= to;
  }
  renderChoice(target);
});

function clearChoices(names) {
  for (const name of names) setChoice(name, '');
  renderPage();
}

document.getElementById('clear').addEventListener('click', () => clearChoices(Object.keys(dashboard.filters)));
for (const tile of tiles) {
  tile.element.querySelector('.empty .clear').addEventListener('click', () => clearChoices(tile.emptying));
}

// Definitions lie over a tile, so Escape and a click elsewhere close them.
function closeDefinitions(except) {
  for (const open of document.querySelectorAll('.definitions[open]')) open.open = open.contains(except);
}
for (const type of ['click', 'focusin']) {
  document.addEventListener(type, ({ target }) => closeDefinitions(target));
}
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape') return;
  document.activeElement.closest('.definitions[open]')?.querySelector('summary').focus();
  closeDefinitions(null);
});

for (const button of document.querySelectorAll('.longer')) {
  button.addEventListener('click', () => {
    setChoice('days', button.value);
    renderPage();
  });
}

document.getElementById('more').addEventListener('click', ({ target }) => {
  target.ariaExpanded = String(form.classList.toggle('open'));
});

for (const tile of tiles.filter(({ chart }) => chart === 'findings')) {
  tile.element.querySelector('.unmute').addEventListener('click', () => {
    saveMuted([]);
    renderTile(tile);
  });
}

for (const tile of tiles.filter(({ interactive }) => interactive)) {
  tile.element.querySelector('.more').addEventListener('click', ({ target }) => {
    toggleAllRows(tile);
    renderChoice(target);
  });
  tile.element.querySelector('.csv').addEventListener('click', () => downloadTable(tile));
  for (const button of tile.element.querySelectorAll('thead button')) {
    button.addEventListener('click', () => {
      sortBy(tile, button.closest('th').dataset.name);
      renderChoice(button);
    });
  }
}

globalThis.addEventListener('hashchange', () => {
  restoreChoices();
  renderPage();
  if (getChoice('page') in dashboard.subjects) globalThis.scrollTo(0, 0);
  moveFocus();
});

// A link that opened a page and is hidden now gives the focus to the page's heading.
function moveFocus() {
  if (document.activeElement === document.body || document.activeElement.checkVisibility()) return;
  const heading = findHeading();
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

restoreChoices();
renderPage();
document.querySelector('main').ariaBusy = 'false';
