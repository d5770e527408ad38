// Sorts tables, folds long ones, finds rows, shows one book at a time. Without it everything is there, unfolded.
(function () {
  'use strict';
  var root = document.documentElement;
  root.classList.add('live');

  function make(name, text) {
    var node = document.createElement(name);
    if (text) node.textContent = text;
    return node;
  }

  // Numbers carry their exact value, which may pass what a double holds.
  function compare(a, b, column) {
    var x = a.cells[column], y = b.cells[column], u = x.dataset.v, v = y.dataset.v;
    if (u !== undefined && v !== undefined) {
      var m = BigInt(u), n = BigInt(v);
      return m < n ? -1 : m > n ? 1 : 0;
    }
    if (u !== undefined || v !== undefined) return u !== undefined ? -1 : 1;
    return x.textContent.localeCompare(y.textContent, undefined, {numeric: true});
  }

  function prepare(table) {
    var body = table.tBodies[0], rows = Array.from(body.rows);
    var shown = Number(table.dataset.shown), open = !shown || rows.length <= shown + 3;
    var words = '', group = '', tools, more, all, input, said;

    function show() {
      var left = open || words || group ? rows.length : shown, found = 0;
      rows.forEach(function (row) {
        var in_group = !group || row.dataset.in === group;
        var hit = in_group && (!words || row.textContent.toLowerCase().indexOf(words) >= 0);
        if (hit) found++;
        row.hidden = !hit || found > left;
      });
      if (!tools) return;
      more.hidden = open || !!words || !!group;
      all.hidden = !group;
      said.textContent = words || group ? found + ' of ' + rows.length + ' rows' : '';
    }

    if (!open) {
      tools = make('div');
      tools.className = 'tools';
      more = make('button', 'Show all ' + rows.length.toLocaleString('en') + ' rows');
      more.type = 'button';
      more.onclick = function () { open = true; show(); };
      all = make('button', 'Show every group again');
      all.type = 'button';
      all.onclick = function () { group = ''; show(); };
      input = make('input');
      input.type = 'search';
      input.placeholder = 'Find in this table';
      input.setAttribute('aria-label', 'Find in this table');
      input.oninput = function () { words = input.value.trim().toLowerCase(); show(); };
      said = make('output');
      [more, all, input, said].forEach(function (node) { tools.appendChild(node); });
      table.parentNode.insertAdjacentElement('afterend', tools);
    }
    table.find = function (wanted) { group = wanted; words = ''; if (input) input.value = ''; show(); };

    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      var button = head.querySelector('button');
      if (!button) return;
      button.onclick = function () {
        var number = head.classList.contains('n'), now = head.getAttribute('aria-sort');
        var up = now === 'none' ? !number : now === 'descending';
        Array.from(table.tHead.rows[0].cells).forEach(function (other) {
          if (other.hasAttribute('aria-sort')) other.setAttribute('aria-sort', 'none');
        });
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        rows.sort(function (a, b) { return up ? compare(a, b, column) : compare(b, a, column); });
        rows.forEach(function (row) { body.appendChild(row); });
        show();
      };
    });
    show();
  }
  Array.from(document.querySelectorAll('table')).forEach(prepare);

  // A bar of the distribution shows its accounts.
  Array.from(document.querySelectorAll('a[data-find]')).forEach(function (link) {
    link.addEventListener('click', function () {
      var table = document.getElementById(link.getAttribute('href').slice(1));
      if (table) table.find(link.dataset.find);
    });
  });

  // Of several books one at a time, as the address says.
  var books = Array.from(document.querySelectorAll('article.book'));
  var links = Array.from(document.querySelectorAll('nav.books a'));
  function choose() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var book = target && target.closest('article.book');
    if (!book && books.some(function (other) { return !other.hidden; }) && location.hash) return;
    book = book || books[0];
    books.forEach(function (other) { other.hidden = other !== book; });
    links.forEach(function (link) {
      if (book && link.getAttribute('href') === '#' + book.id) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    });
  }
  if (books.length > 1) {
    books.forEach(function (other) { other.hidden = true; });
    choose();
    window.addEventListener('hashchange', choose);
  }
})();
