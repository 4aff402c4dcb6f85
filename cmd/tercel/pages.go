package main

// pageSize is how many items one request asks for.
const pageSize = 500

// eachPage fetches and prints page after page until there are no more, or limit items are shown; 0 stands for all. show
// gets how many items to ask for and the cursor of the page, and gives how many there were and the cursor of the next.
// What eachPage gives is how many were shown, and whether there are more.
func eachPage(limit int, show func(size int, cursor string) (n int, next string, err error)) (shown int, more bool, err error) {
	for cursor := ""; ; {
		size := pageSize
		if limit > 0 {
			size = min(size, limit-shown)
		}
		n, next, err := show(size, cursor)
		if err != nil {
			return shown, false, err
		}
		shown, cursor = shown+n, next
		if cursor == "" || limit > 0 && shown >= limit {
			return shown, cursor != "", nil
		}
	}
}
